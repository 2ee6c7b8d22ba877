using Knet.ApiServer.Storage;
using Knet.Daemon.Startup;

namespace Knet.Daemon.Admin;

/// <summary>What <c>knet status</c> shows.</summary>
internal sealed record StatusReport(
    string Version, int Pid, string Api, string Gateway, string Domain, IReadOnlyList<Step> Steps, IReadOnlyList<ServiceReport> Services);

internal sealed record ServiceReport(string Namespace, string Name, string Url, string Ready, string Message, int Replicas);

internal sealed record ImageReport(string Reference, string Digest, long Bytes);

/// <summary>
/// Where the daemon's memory is; bytes. <c>Committed</c> is what the collector has of the system, <c>Live</c> what was in use after its
/// last run.
/// </summary>
internal sealed record MemoryReport(
    long Committed, long Live, long Fragmented, long Pinned, int Gen0Runs, int Gen1Runs, int Gen2Runs, long Allocated, int Threads,
    StoreReport Store);

internal sealed record ErrorReport(string Error);

/// <summary>One cold start: milliseconds since the first request was queued at which each phase was reached; absent phases are null.</summary>
internal sealed record ColdStartReport(
    string Namespace, string Revision, DateTimeOffset At, double? Decided, double? Created, double? Started, double? Ready, double? FirstByte);
