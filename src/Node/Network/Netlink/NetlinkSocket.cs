using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Network.Netlink;

/// <summary>A conversation with the kernel about links, addresses and routes of the network namespace in which it was opened.</summary>
/// <remarks>For one thread at a time. The kernel answers synchronously, so nothing here waits for long.</remarks>
internal sealed class NetlinkSocket : IDisposable
{
    private readonly SafeFileHandle _socket;
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <exception cref="NetworkException">The kernel refused.</exception>
    public NetlinkSocket()
    {
        // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE
        _socket = LinuxCalls.Socket(16, 3 | 0x80000, 0);
        if (_socket.IsInvalid)
        {
            throw new NetworkException($"opening a netlink socket: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    /// <summary>Sends the batch and waits for every acknowledgement.</summary>
    /// <param name="batch">Requests that ask for an acknowledgement, or one dump.</param>
    /// <param name="ignored">Errnos that are no failure, such as EEXIST (17) or ENODEV (19).</param>
    /// <returns>The kernel's messages other than acknowledgements.</returns>
    /// <exception cref="NetworkException">A request failed; the message names the step.</exception>
    public List<NetlinkReply> Send(NetlinkBatch batch, params ReadOnlySpan<int> ignored)
    {
        if (batch.Length == 0)
        {
            return [];
        }

        if (LinuxCalls.Send(_socket, batch.Bytes, (nuint)batch.Length, 0) < 0)
        {
            throw new NetworkException($"{batch.Steps[0]}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        var result = new List<NetlinkReply>();
        NetworkException? failure = null;
        for (var finished = 0; finished < batch.Steps.Count;)
        {
            foreach (var reply in Receive())
            {
                if (reply.Type is not (NetlinkReply.Error or NetlinkReply.Done))
                {
                    result.Add(reply);
                    continue;
                }

                finished++;
                if (reply.Errno != 0 && !ignored.Contains(reply.Errno))
                {
                    failure ??= new($"{batch.Steps[reply.Sequence - 1]}: {new Win32Exception(reply.Errno).Message}");
                }
            }
        }

        return failure is null ? result : throw failure;
    }

    /// <summary>The index of a link by its name; 0 when there is none.</summary>
    public int FindLink(string name)
    {
        const int noDevice = 19;
        var replies = Send(new NetlinkBatch().FindLink(name), noDevice);
        return replies.Count > 0 ? replies[0].LinkIndex : 0;
    }

    public void Dispose() => _socket.Dispose();

    private List<NetlinkReply> Receive()
    {
        var length = LinuxCalls.Receive(_socket, _buffer, (nuint)_buffer.Length, 0);
        return length > 0
            ? NetlinkReply.Parse(_buffer.AsMemory(0, (int)length).ToArray())
            : throw new NetworkException($"reading from netlink: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }
}
