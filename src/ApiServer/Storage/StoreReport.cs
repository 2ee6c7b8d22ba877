namespace Knet.ApiServer.Storage;

/// <summary>What a store holds in memory.</summary>
/// <param name="Objects">Present objects.</param>
/// <param name="ObjectBytes">Their JSON.</param>
/// <param name="Events">Changes remembered for watches that resume.</param>
/// <param name="EventBytes">The JSON of superseded versions that only these hold.</param>
/// <param name="KeptLists">States kept for lists that are read page by page.</param>
public sealed record StoreReport(int Objects, long ObjectBytes, int Events, long EventBytes, int Watches, int KeptLists);
