using Knet.Tests.Benchmarks;

// Names and what each prints; results are medians over several runs, with the spread.
return args.FirstOrDefault() switch
{
    "coldstart" => await ColdStartBenchmark.RunAsync(Options.Parse(args[1..])),
    "startup" => await StartupBenchmark.RunAsync(Options.Parse(args[1..])),
    "warm" => await WarmBenchmark.RunAsync(Options.Parse(args[1..])),
    "footprint" => await FootprintBenchmark.RunAsync(Options.Parse(args[1..])),
    "api" => await ApiBenchmark.RunAsync(Options.Parse(args[1..])),
    "scale" => await ScaleBenchmark.RunAsync(Options.Parse(args[1..])),
    "soak" => await SoakBenchmark.RunAsync(Options.Parse(args[1..])),
    _ => Help(),
};

static int Help()
{
    Console.WriteLine("""
        Usage: ./do bench NAME [--services N] [--rounds N] [--seconds N] [--image REFERENCE] [--objects N] [--watches N]

          coldstart   scale from zero to first byte: N services (50), N rounds (6), window 6 s, grace 1 s; parts named
          startup     knet up to ready, a new data directory and then an existing one (Knet must be down)
          warm        requests a second and latency of a running service, through the gateway and directly, by wrk (N seconds each)
          footprint   memory (PSS) of the daemon 60 s after knet up, and its CPU while idle (Knet must be down)
          api         memory per object and per watch, latency of writes that many, some and no watches see: N ConfigMaps (10,000),
                      N watches (2,000), over HTTPS
          scale       the control plane at so many Services at zero (--services 100,1000,10000): creating them, Ready of one more,
                      memory, idle CPU, cold start, restart
          soak        mixed load on every URL while revisions, splits, pods change, for N seconds; fails when a request failed

        startup and footprint start a Knet of their own; $KNET_BENCH_UP holds further arguments for its knet up (ports, ranges),
        $KNET_HOME and $KNET_RUN say where a running one is.
        """);
    return 2;
}
