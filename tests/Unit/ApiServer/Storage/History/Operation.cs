using Knet.ApiServer.Storage;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>What a client asked of one object.</summary>
internal enum Act
{
    /// <summary>Reads the visible version.</summary>
    Read,

    /// <summary>Replaces, creates (expected 0) or deletes (value 0) if the expected version is the present one.</summary>
    Swap,
}

/// <summary>An object as a client sees it: its revision (0: absent) and the number that the write of this version alone carries.</summary>
internal readonly record struct Seen(long Revision, int Value);

/// <summary>One call and its answer.</summary>
/// <param name="Expected">Swap: the revision it names.</param>
/// <param name="Value">Swap: the number written; 0 deletes.</param>
/// <param name="Invoked">When it was called, on the workload's own counter of events.</param>
internal sealed record Operation(string Key, Act Act, long Expected, int Value, Durability Durability, long Invoked)
{
    /// <summary>When it was answered.</summary>
    public long Returned { get; init; }

    public bool Succeeded { get; init; }

    /// <summary>Swap that succeeded: the new revision. Otherwise: what was there.</summary>
    public Seen Result { get; init; }

    public bool IsWrite => Act == Act.Swap && Succeeded;

    public override string ToString() =>
        $"{Key} {Act} expected {Expected} value {Value} {Durability} [{Invoked}..{Returned}] -> {(Succeeded ? "done" : "refused")} {Result}";
}
