namespace Knet.Serving.Revisions;

/// <summary>Which digest does a tag stand for, asked with the credentials of a namespace. Compared by value.</summary>
/// <param name="Image">As the user wrote it.</param>
/// <param name="PullSecrets">Names, comma-separated, in order.</param>
/// <remarks>The answer is <c>registry/repository@sha256:hex</c>.</remarks>
public sealed record DigestQuery(string Namespace, string Image, string ServiceAccount, string PullSecrets);
