namespace Knet.Api.Meta;

/// <summary>
/// Numbers that are given out and taken back: addresses or ports. A number given back comes round again only after all others, so that
/// whoever still has the old one meets nobody rather than a stranger. Safe for concurrent use.
/// </summary>
/// <param name="start">Where the round begins, counted from <paramref name="first"/>.</param>
public sealed class NumberPool(long first, long last, long start = 0)
{
    private readonly Lock _gate = new();
    private readonly HashSet<long> _taken = [];
    private long _offset = start % (last - first + 1);

    /// <summary>How many are out.</summary>
    public int Taken
    {
        get
        {
            lock (_gate)
            {
                return _taken.Count;
            }
        }
    }

    public bool Contains(long number) => number >= first && number <= last;

    /// <summary>Takes a certain number, in the range or not; false when it is taken.</summary>
    public bool TryTake(long number)
    {
        lock (_gate)
        {
            return _taken.Add(number);
        }
    }

    /// <summary>Takes the next free number, or null when there is none.</summary>
    public long? TakeAny()
    {
        lock (_gate)
        {
            for (var tried = first; tried <= last; tried++)
            {
                var number = first + _offset;
                _offset = number == last ? 0 : _offset + 1;
                if (_taken.Add(number))
                {
                    return number;
                }
            }

            return null;
        }
    }

    public void Release(long number)
    {
        lock (_gate)
        {
            _taken.Remove(number);
        }
    }
}
