using Knet.Daemon;

return await DaemonProgram.RunAsync(args);
