namespace Knet.Tests.System.Platform;

/// <summary>The way to the API: what a client sees must be the same on both.</summary>
public enum Via
{
    /// <summary>Calls into the registry of the same process.</summary>
    Process,

    /// <summary>HTTPS with a client certificate or a token.</summary>
    Https,
}
