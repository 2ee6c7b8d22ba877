using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Knet.DataPlane.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Knet.Tests.System.Platform;

/// <summary>
/// The programs of all pods: one real HTTP server on loopback, which knows by the connection whose program it plays. It answers with the
/// value of the pod's environment variable <c>TEXT</c>; a path <c>/slow</c> takes a while.
/// </summary>
internal sealed class FakePrograms : IInstanceDialer, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, string> _textByAddress = new();
    private readonly ConcurrentDictionary<int, string> _textByConnection = new();
    private readonly WebApplication _web;
    private readonly IPEndPoint _endpoint;
    private int _lastAddress;

    private FakePrograms(WebApplication web)
    {
        _web = web;
        var address = new Uri(web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        _endpoint = new IPEndPoint(IPAddress.Loopback, address.Port);
    }

    public static async Task<FakePrograms> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1));
        var web = builder.Build();
        FakePrograms? programs = null;
        web.Run(context => programs!.AnswerAsync(context));
        await web.StartAsync();
        return programs = new FakePrograms(web);
    }

    /// <summary>Starts a program; the address is the pod's.</summary>
    public string Start(string text)
    {
        var number = Interlocked.Increment(ref _lastAddress);
        var address = $"10.1.{number / 250}.{(number % 250) + 1}";
        _textByAddress[address] = text;
        return address;
    }

    /// <summary>Ends a program: nobody listens at its address any more.</summary>
    public void Stop(string address) => _textByAddress.TryRemove(address, out _);

    public async ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken)
    {
        if (!_textByAddress.TryGetValue(podIp, out var text))
        {
            throw new SocketException((int)SocketError.ConnectionRefused);
        }

        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _textByConnection[((IPEndPoint)socket.LocalEndPoint!).Port] = text;
        await socket.ConnectAsync(_endpoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path == "/slow")
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, context.RequestAborted);
        }

        await context.Response.WriteAsync(_textByConnection[context.Connection.RemotePort]);
    }
}
