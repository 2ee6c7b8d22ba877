namespace Knet.DataPlane.Probing;

/// <summary>The headers that Knative's parts speak among themselves (serving.md 3). Programs see none of them.</summary>
internal static class ControlHeaders
{
    public const string NetworkProbe = "K-Network-Probe";
    public const string NetworkHash = "K-Network-Hash";
    public const string ProxyRequest = "K-Proxy-Request";
    public const string OriginalHost = "K-Original-Host";
    public const string Revision = "Knative-Serving-Revision";
    public const string Namespace = "Knative-Serving-Namespace";
    public const string TraceParent = "traceparent";
}
