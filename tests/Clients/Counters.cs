namespace Knet.Tests.Clients;

/// <summary>What the program did and saw. Any thread may count.</summary>
internal sealed class Counters
{
    public int Writes;
    public int Events;
    public int Bookmarks;
    public int Lists;
    public int Reconnects;
    public int Expired;
    public int Renewals;
    public int Terms;
    public int TwoLeaders;
    public int Errors;

    /// <summary>An error that should not have been: counted, and told at once.</summary>
    public void Fail(string what, Exception error)
    {
        Interlocked.Increment(ref Errors);
        Console.WriteLine($"ERROR {what}: {error.GetType().Name}: {error.Message}");
    }
}
