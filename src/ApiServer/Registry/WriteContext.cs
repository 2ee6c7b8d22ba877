using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>One write of one object on its way through defaulting, admission and validation. The object is in its stored version.</summary>
internal sealed class WriteContext(KindInfo hub, KubeRequest request, KubeUser user, DateTimeOffset now)
{
    private readonly List<Action> _undo = [];
    private readonly List<Action> _end = [];

    public KindInfo Hub { get; } = hub;
    public KubeRequest Request { get; } = request;
    public KubeUser User { get; } = user;
    public DateTimeOffset Now { get; } = now;

    /// <summary>What shall be stored.</summary>
    public required JsonObject Object { get; set; }

    /// <summary>A private copy of what is stored; null for creations.</summary>
    public JsonObject? Old { get; init; }

    public StoredObject? Stored { get; init; }
    public List<string> Warnings { get; } = [];
    public string Subresource => Request.Subresource;
    public bool IsCreate => Stored is null;
    public string Name => Object.Name();
    public string Namespace => Object.Namespace();
    public ObjectKey Key => new(Hub.Type.Namespaced ? Namespace : "", Name);

    /// <summary>Registers what gives back something taken for this write, if it fails or was a dry run.</summary>
    public void OnFailure(Action undo) => _undo.Add(undo);

    /// <summary>Registers what ends something held for this write only, however it comes out.</summary>
    public void OnEnd(Action end) => _end.Add(end);

    /// <summary>The write failed, or was a dry run.</summary>
    public void Undo()
    {
        _undo.ForEach(u => u());
        _undo.Clear();
        End();
    }

    /// <summary>The write is done.</summary>
    public void End()
    {
        _end.ForEach(e => e());
        _end.Clear();
    }
}
