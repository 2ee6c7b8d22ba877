namespace Knet.Kube.Facts;

/// <summary>The answer of something slow. Pending never blocks: its source wakes the key that asked.</summary>
public abstract record Fact<T>
{
    private Fact()
    {
    }

    /// <summary>Not known yet; the asking key is reconciled again when it is.</summary>
    public sealed record Pending : Fact<T>
    {
        public static Pending Instance { get; } = new();
    }

    public sealed record Known(T Value) : Fact<T>;

    /// <summary>It cannot be had for now; the source may try again by itself and then wakes the key.</summary>
    public sealed record Failed(string Message) : Fact<T>;
}

/// <summary>A source of facts of one kind: answers at once, works in the background.</summary>
/// <typeparam name="TQuery">What is asked; compared by value.</typeparam>
public interface IFactSource<in TQuery, TValue> where TQuery : notnull
{
    /// <summary>What is known now. <paramref name="wake"/> is called (once or more, from any thread) when the answer has changed.</summary>
    Fact<TValue> Ask(TQuery query, Action wake);

    /// <summary>Forget what is remembered of a query that nobody asks any more.</summary>
    void Forget(TQuery query);
}
