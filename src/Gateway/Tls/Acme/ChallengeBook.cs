using System.Collections.Concurrent;

namespace Knet.Gateway.Tls.Acme;

/// <summary>
/// What the gateway answers to ACME servers that ask, over plain HTTP, whether a host is ours (RFC 8555, 8.3). Any host may be asked for:
/// a token is secret until its server asks for it, and its answer helps nobody else.
/// </summary>
public sealed class ChallengeBook
{
    /// <summary>The path below which servers ask.</summary>
    public const string Path = "/.well-known/acme-challenge/";

    private readonly ConcurrentDictionary<string, string> _answers = new(StringComparer.Ordinal);

    /// <summary>The answer to a request's path; null when it is no challenge of ours.</summary>
    public string? Find(string path) =>
        !_answers.IsEmpty && path.StartsWith(Path, StringComparison.Ordinal) && _answers.TryGetValue(path[Path.Length..], out var answer)
            ? answer
            : null;

    internal void Put(string token, string answer) => _answers[token] = answer;

    internal void Remove(string token) => _answers.TryRemove(token, out _);
}
