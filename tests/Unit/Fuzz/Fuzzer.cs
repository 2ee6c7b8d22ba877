using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>
/// Throws inputs at a parser: words of its grammar in any order, and changes of inputs that were answered in a new way before (another
/// refusal, or much more memory). Finds exceptions that are not documented, inputs that take long and inputs that take much memory.
/// </summary>
internal sealed partial class Fuzzer(FuzzTarget target, int seed)
{
    private const int LongestInput = 64 * 1024;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1), Hang = TimeSpan.FromSeconds(30);

    // Of 64 KiB of input: a decoded tree is far larger than its text, but no input may multiply.
    private const long MostMemory = 256L << 20;
    private readonly Random _random = new(seed);
    private readonly List<byte[]> _corpus = [.. target.Seeds];
    private readonly HashSet<string> _answers = [];
    private byte[] _current = [];

    public int Tried { get; private set; }

    /// <summary>Different answers seen.</summary>
    public int Answers => _answers.Count;

    /// <summary>Runs until the time is over or, without one, for the target's smoke run.</summary>
    /// <param name="lastInput">Where the input of a run that ends the process can be found.</param>
    public void Run(TimeSpan? time, string? lastInput)
    {
        var start = Stopwatch.GetTimestamp();
        using var watchdog = new Timer(_ => OnHang(), null, Timeout.Infinite, Timeout.Infinite);
        while (time is { } limit ? Stopwatch.GetElapsedTime(start) < limit : Tried < target.Smoke)
        {
            _current = Next(Tried < target.Seeds.Length ? Tried : -1, time is null ? 4096 : LongestInput);
            if (lastInput is not null && _current.Length > 512)
            {
                File.WriteAllBytes(lastInput, _current); // a stack that overflows leaves nothing else
            }

            watchdog.Change(Hang, Timeout.InfiniteTimeSpan);
            Try(_current);
            watchdog.Change(Timeout.Infinite, Timeout.Infinite);
            Tried++;
        }
    }

    private void Try(byte[] input)
    {
        // The machine may be busy with other things: slow is what is slow three times.
        for (var attempt = 0; ; attempt++)
        {
            var start = Stopwatch.GetTimestamp();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var answer = Answer(input);
            var memory = GC.GetAllocatedBytesForCurrentThread() - before;
            if (memory > MostMemory)
            {
                throw Found($"takes {memory >> 20} MiB", input, null);
            }

            if (Stopwatch.GetElapsedTime(start) < Slow)
            {
                Remember(input, $"{answer} {long.Log2(memory + 1)}");
                return;
            }

            if (attempt == 2)
            {
                throw Found($"takes {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s", input, null);
            }
        }
    }

    private string Answer(byte[] input)
    {
        try
        {
            target.Parse((byte[])input.Clone());
            return "taken";
        }
        catch (Exception e) when (target.IsDocumented(e))
        {
            var message = Particular().Replace(e.Message, "");
            return e.GetType().Name + message[..Math.Min(message.Length, 60)];
        }
        catch (Exception e)
        {
            throw Found($"throws {e.GetType().Name}", input, e);
        }
    }

    private void Remember(byte[] input, string answer)
    {
        if (_answers.Count < 4096 && _answers.Add(answer))
        {
            _corpus.Add(input);
        }
    }

    private byte[] Next(int given, int longest)
    {
        if (given >= 0)
        {
            return target.Seeds[given];
        }

        var input = new List<byte>();
        if (_corpus.Count == 0 || _random.Next(3) == 0)
        {
            for (var i = _random.Next(14); i > 0; i--)
            {
                input.AddRange(Word());
            }
        }
        else
        {
            input.AddRange(_corpus[_random.Next(_corpus.Count)]);
            for (var i = _random.Next(1, 5); i > 0; i--)
            {
                Change(input);
            }
        }

        return [.. input.Take(longest)];
    }

    private void Change(List<byte> input)
    {
        var at = _random.Next(input.Count + 1);
        var length = Math.Min(input.Count - at, 1 << _random.Next(8));
        switch (_random.Next(8))
        {
            case 0 or 1:
                input.InsertRange(at, Word());
                break;
            case 2:
                input.RemoveRange(at, length);
                break;
            case 3 when at < input.Count:
                input[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 4 when at < input.Count:
                input[at] = (byte)_random.Next(256);
                break;
            case 5 when _corpus.Count > 0:
                var other = _corpus[_random.Next(_corpus.Count)];
                input.InsertRange(at, other[_random.Next(other.Length + 1)..]);
                break;
            case 6: // repeated, now and then very often: depth and size
                var piece = length > 0 ? input.GetRange(at, length) : [.. Word()];
                var times = _random.Next(16) == 0 ? LongestInput / Math.Max(piece.Count, 1) : _random.Next(1, 8);
                input.InsertRange(at, Enumerable.Repeat(piece, times).SelectMany(p => p).ToArray());
                break;
            default:
                input.RemoveRange(at, length);
                input.InsertRange(at, Word());
                break;
        }
    }

    private byte[] Word() => target.Words.Length == 0 ? [(byte)_random.Next(256)] : target.Words[_random.Next(target.Words.Length)];

    private void OnHang() => Environment.FailFast(Found("hangs", _current, null).Message);

    private InvalidOperationException Found(string what, byte[] input, Exception? cause)
    {
        var text = Convert.ToBase64String(input.AsSpan(0, Math.Min(input.Length, 3000)));
        return new(string.Create(
            CultureInfo.InvariantCulture,
            $"{target.Name} (seed {seed}, input {Tried}) {what}: {input.Length} bytes, base64 {text}: {cause?.Message}"), cause);
    }

    [GeneratedRegex("\"[^\"]*\"|[0-9]+|'[^']*'")]
    private static partial Regex Particular();
}
