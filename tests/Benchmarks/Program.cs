using Knet.Tests.Benchmarks;

// Names and what each prints; results are medians over several runs, with the spread.
return args.FirstOrDefault() switch
{
    "coldstart" => await ColdStartBenchmark.RunAsync(Options.Parse(args[1..])),
    "startup" => await StartupBenchmark.RunAsync(Options.Parse(args[1..])),
    "footprint" => await FootprintBenchmark.RunAsync(Options.Parse(args[1..])),
    _ => Help(),
};

static int Help()
{
    Console.WriteLine("""
        Usage: ./do bench NAME [--services N] [--rounds N] [--image REFERENCE]

          coldstart   scale from zero to first byte: N services (50), N rounds (6), window 6 s, grace 1 s; parts named
          startup     knet up to ready, a new data directory and then an existing one (Knet must be down)
          footprint   memory (PSS) of the daemon 60 s after knet up, and its CPU while idle (Knet must be down)
        """);
    return 2;
}
