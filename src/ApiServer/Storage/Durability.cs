namespace Knet.ApiServer.Storage;

/// <summary>What a write waits for, and whether it outlives the process. It belongs to the write, not to the kind.</summary>
public enum Durability
{
    /// <summary>Acknowledged, and visible to anybody, only after its commit. What users write.</summary>
    Committed,

    /// <summary>Acknowledged and visible at once; reaches the disk in order, with the next group commit.</summary>
    Behind,

    /// <summary>
    /// Never written to disk: somebody durable makes the object again after a restart. An object that is on disk already is written
    /// behind instead.
    /// </summary>
    Volatile,
}
