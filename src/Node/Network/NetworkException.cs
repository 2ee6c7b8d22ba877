namespace Knet.Node.Network;

/// <summary>The network could not do what was asked; the message says what the kernel answered and to which step.</summary>
public sealed class NetworkException(string message, Exception? inner = null) : Exception(message, inner);
