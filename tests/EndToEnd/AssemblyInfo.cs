using Xunit.v3;

// One machine, one platform: its bridge, addresses and ports exist once.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
