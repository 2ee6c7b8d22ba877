using Knet.Tests.System.Platform;
using Xunit;
using Xunit.v3;

// Every test has a namespace of its own and spends most of its time waiting for the system.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.All, MaxThreads = 8)]
[assembly: AssemblyFixture(typeof(SystemPlatform))]
