using Knet.Kube.Client;

namespace Knet.ApiServer.Storage;

/// <summary>One change, or with type Bookmark the news that nothing happened up to <see cref="Revision"/>.</summary>
/// <param name="Table">The kind's table, such as <c>apps/deployments</c>.</param>
/// <param name="Before">The version before the change; null for creations.</param>
/// <param name="Object">The new version; for deletions the last one, at the deletion's revision; null for bookmarks.</param>
public sealed record StoreEvent(WatchEventType Type, string Table, long Revision, StoredObject? Before, StoredObject? Object);
