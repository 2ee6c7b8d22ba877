using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>What is special about a built-in kind: defaults, fields that the server sets, validation. The default does nothing.</summary>
internal class KindStrategy
{
    public static KindStrategy Plain { get; } = new();

    /// <summary>Whether metadata.generation counts the changes of the specification.</summary>
    public virtual bool HasGeneration => false;

    /// <summary>Fills in what the user left out. Called again after admission changed something: must be repeatable.</summary>
    public virtual void Default(JsonObject value)
    {
    }

    /// <summary>Sets and clears fields at creation that are the server's business, before admission.</summary>
    public virtual void PrepareCreate(WriteContext write)
    {
    }

    /// <summary>
    /// Adds what Kubernetes' own admission adds (a pod's token volume, tolerations): after the writer's fields were noted, so that it
    /// belongs to nobody.
    /// </summary>
    public virtual void Complete(WriteContext write)
    {
    }

    /// <summary>Carries over fields that an update may leave out.</summary>
    public virtual void PrepareUpdate(WriteContext write)
    {
    }

    /// <summary>Checks the object; of updates also what must not change (<see cref="WriteContext.Old"/>).</summary>
    public virtual void Validate(WriteContext write, FieldErrors errors)
    {
    }

    /// <summary>Takes addresses, ports and the like, after validation; gives them back with <see cref="WriteContext.OnFailure"/>.</summary>
    public virtual void Allocate(WriteContext write, FieldErrors errors)
    {
    }

    /// <summary>Notes in the status that the object is being deleted and waits for its finalizers.</summary>
    public virtual void MarkDeleted(JsonObject value, DateTimeOffset now)
    {
    }

    /// <summary>Called after the object was created or changed and before the caller gets the answer.</summary>
    public virtual Task AfterWriteAsync(WriteContext write, JsonObject value) => Task.CompletedTask;

    /// <summary>Called after the object was removed and before the caller gets the answer.</summary>
    public virtual Task AfterRemovalAsync(JsonObject last) => Task.CompletedTask;
}
