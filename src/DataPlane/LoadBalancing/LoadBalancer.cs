using Knet.DataPlane.Activation;

namespace Knet.DataPlane.LoadBalancing;

/// <summary>
/// Chooses an instance and takes a place in it, by upstream's rules (serving.md 14): without a limit the less loaded of two random
/// ones, with a limit of 1 to 3 the first with room, else in turn.
/// </summary>
/// <remarks>Hot: allocates nothing. Instances that could not be reached a moment ago come last.</remarks>
internal static class LoadBalancer
{
    private const int FirstWithRoomMax = 3;

    /// <param name="limit">Requests at a time for each instance; 0 means no limit.</param>
    /// <param name="turn">The state of round robin, shared by all requests of a Revision.</param>
    /// <returns>The instance entered, or null when none has room.</returns>
    public static InstanceState? Enter(InstanceState[] instances, int limit, ref int turn, TimeProvider time)
    {
        if (instances.Length == 1)
        {
            return instances[0].TryEnter(limit) ? instances[0] : null;
        }

        if (instances.Length == 0)
        {
            return null;
        }

        if (limit == 0 && LessLoadedOfTwo(instances) is var chosen && !chosen.IsAvoided(time) && chosen.TryEnter(0))
        {
            return chosen;
        }

        var start = limit is > 0 and <= FirstWithRoomMax ? 0 : (int)((uint)Interlocked.Increment(ref turn) % (uint)instances.Length);
        return EnterFrom(instances, start, limit, time, avoided: false) ?? EnterFrom(instances, start, limit, time, avoided: true);
    }

    private static InstanceState? EnterFrom(InstanceState[] instances, int start, int limit, TimeProvider time, bool avoided)
    {
        for (var i = 0; i < instances.Length; i++)
        {
            var candidate = instances[(start + i) % instances.Length];
            if (candidate.IsAvoided(time) == avoided && candidate.TryEnter(limit))
            {
                return candidate;
            }
        }

        return null;
    }

    private static InstanceState LessLoadedOfTwo(InstanceState[] instances)
    {
        var first = Random.Shared.Next(instances.Length);
        var second = Random.Shared.Next(instances.Length - 1);
        second += second >= first ? 1 : 0;
        return instances[first].InFlight <= instances[second].InFlight ? instances[first] : instances[second];
    }
}
