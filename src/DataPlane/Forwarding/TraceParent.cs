namespace Knet.DataPlane.Forwarding;

/// <summary>The W3C trace context of requests that bring none: not sampled, but the same on every hop.</summary>
internal static class TraceParent
{
    private const string Digits = "0123456789abcdef";

    /// <summary><c>00-&lt;trace&gt;-&lt;span&gt;-00</c>, random and never all zeros.</summary>
    public static string Create() => string.Create(55, 0, static (text, _) =>
    {
        "00-00000000000000000000000000000000-0000000000000000-00".CopyTo(text);
        Fill(text.Slice(3, 16));
        Fill(text.Slice(19, 16));
        Fill(text.Slice(36, 16));
    });

    private static void Fill(Span<char> text)
    {
        var value = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = Digits[(int)(value & 15)];
            value >>= 4;
        }
    }
}
