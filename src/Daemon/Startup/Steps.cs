using System.Text.Json;
using System.Text.Json.Serialization;

namespace Knet.Daemon.Startup;

/// <summary>One step of the start, as <c>knet up</c> prints it.</summary>
internal sealed record Step(
    [property: JsonPropertyName("step")] string Name, string Detail, double Ms, bool Ok);

/// <summary>Measures the steps of the start and reports each, as a JSON line, to whoever started the daemon.</summary>
internal sealed class Steps(TimeProvider time, TextWriter output)
{
    private readonly List<Step> _done = [];

    public IReadOnlyList<Step> Done
    {
        get
        {
            lock (_done)
            {
                return [.. _done];
            }
        }
    }

    /// <summary>Runs one step. What it returns is the detail shown: an address, a version.</summary>
    public async Task RunAsync(string name, Func<Task<string>> step)
    {
        var start = time.GetTimestamp();
        try
        {
            Report(new(name, await step(), time.GetElapsedTime(start).TotalMilliseconds, true));
        }
        catch (Exception e)
        {
            Report(new(name, e.Message, time.GetElapsedTime(start).TotalMilliseconds, false));
            throw;
        }
    }

    /// <summary>The line after which the starter stops reading.</summary>
    public void Ready() => WriteLine("ready");

    private void Report(Step step)
    {
        lock (_done)
        {
            _done.Add(step);
        }

        WriteLine(JsonSerializer.Serialize(step, AdminJson.Default.Step));
    }

    private void WriteLine(string line)
    {
        try
        {
            output.WriteLine(line);
            output.Flush();
        }
        catch (IOException)
        {
            // Whoever started us has gone; the steps stay readable through the status.
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Step))]
[JsonSerializable(typeof(Admin.StatusReport))]
[JsonSerializable(typeof(List<Admin.ImageReport>))]
[JsonSerializable(typeof(Admin.ErrorReport))]
[JsonSerializable(typeof(Admin.MemoryReport))]
[JsonSerializable(typeof(List<Admin.ColdStartReport>))]
internal sealed partial class AdminJson : JsonSerializerContext;
