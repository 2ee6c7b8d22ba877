using Knet.Daemon.Startup;

namespace Knet.Daemon.Admin;

/// <summary>What <c>knet status</c> shows.</summary>
internal sealed record StatusReport(
    string Version, int Pid, string Api, string Gateway, string Domain, IReadOnlyList<Step> Steps, IReadOnlyList<ServiceReport> Services);

internal sealed record ServiceReport(string Namespace, string Name, string Url, string Ready, string Message, int Replicas);

internal sealed record ImageReport(string Reference, string Digest, long Bytes);

internal sealed record ErrorReport(string Error);

/// <summary>One cold start: milliseconds since the first request was queued at which each phase was reached; absent phases are null.</summary>
internal sealed record ColdStartReport(
    string Namespace, string Revision, DateTimeOffset At, double? Decided, double? Created, double? Started, double? Ready, double? FirstByte);
