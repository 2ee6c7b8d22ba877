namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>
/// Whether calls that overlapped in time could have happened one after the other, each at a moment between its call and its answer, with
/// the answers they got (Wing and Gong's search, with the states tried remembered).
/// </summary>
internal static class Linearizability
{
    /// <param name="operations">All on one object, all answered.</param>
    /// <param name="initial">What was there before.</param>
    /// <returns>Null, or the earliest calls that fit no order.</returns>
    public static string? Explain(IReadOnlyList<Operation> operations, Seen initial)
    {
        var head = Chain(operations);
        var done = new HashSet<int>();
        var tried = new HashSet<(string, Seen)>();
        var taken = new Stack<(Node Call, Seen Before)>();
        var state = initial;
        var deepest = 0;
        for (var at = head.Next!; head.Next is not null;)
        {
            if (at.IsCall)
            {
                if (Apply(state, at.Operation!) is not { } next || !tried.Add((Name(done, at.Index), next)))
                {
                    at = at.Next!;
                    continue;
                }

                done.Add(at.Index);
                deepest = Math.Max(deepest, done.Count);
                taken.Push((at, state));
                state = next;
                at.Lift();
                at = head.Next;
            }
            else if (taken.TryPop(out var last))
            {
                done.Remove(last.Call.Index);
                state = last.Before;
                last.Call.Unlift();
                at = last.Call.Next!;
            }
            else
            {
                var shown = operations.OrderBy(o => o.Returned).Skip(Math.Max(0, deepest - 4)).Take(12);
                return $"{deepest} of {operations.Count} calls fit an order beginning with {initial}; about there:\n" + string.Join('\n', shown);
            }
        }

        return null;
    }

    private static Seen? Apply(Seen state, Operation operation) => operation switch
    {
        { Act: Act.Read } or { Succeeded: false } when operation.Result != state => null,
        { Act: Act.Read } => state,
        { Succeeded: false } => operation.Expected != state.Revision || (state.Revision == 0 && operation.Value == 0) ? state : null,
        _ when operation.Expected != state.Revision || operation.Result.Revision <= state.Revision => null,
        { Value: 0 } => default(Seen),
        _ => new Seen(operation.Result.Revision, operation.Value),
    };

    // Calls finish nearly in order: all up to the lowest open one are named by its number.
    private static string Name(HashSet<int> done, int and)
    {
        var low = 0;
        while (done.Contains(low) || low == and)
        {
            low++;
        }

        return low + ":" + string.Join(',', done.Append(and).Where(i => i > low).Order());
    }

    private static Node Chain(IReadOnlyList<Operation> operations)
    {
        var head = new Node();
        var last = head;
        var byTime = operations.OrderBy(o => o.Invoked).SelectMany((o, i) =>
        {
            var answer = new Node { Operation = o, Index = i, At = o.Returned };
            return new[] { new Node { Operation = o, Index = i, At = o.Invoked, Answer = answer }, answer };
        });
        foreach (var node in byTime.OrderBy(n => n.At))
        {
            (last.Next, node.Previous) = (node, last);
            last = node;
        }

        return head;
    }

    /// <summary>A call or an answer in a list by time, from which calls with their answers are taken out and put back.</summary>
    private sealed class Node
    {
        public Operation? Operation { get; init; }
        public int Index { get; init; }
        public long At { get; init; }
        public Node? Answer { get; init; }
        public Node? Next { get; set; }
        public Node? Previous { get; set; }
        public bool IsCall => Answer is not null;

        public void Lift()
        {
            Answer!.Out();
            Out();
        }

        public void Unlift()
        {
            In();
            Answer!.In();
        }

        private void Out()
        {
            Previous!.Next = Next;
            if (Next is not null)
            {
                Next.Previous = Previous;
            }
        }

        private void In()
        {
            Previous!.Next = this;
            if (Next is not null)
            {
                Next.Previous = this;
            }
        }
    }
}
