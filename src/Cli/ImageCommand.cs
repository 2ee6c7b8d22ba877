using System.CommandLine;
using System.Globalization;

namespace Knet.Cli;

/// <summary><c>knet image</c>: the images on this machine.</summary>
internal static class ImageCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "An OCI layout or docker-archive tar; - reads standard input" };
        var name = new Option<string?>("--name") { Description = "The name to store it under; default: the name in the file" };
        var load = new Command("load", "Load an image from a tar file, without any registry") { file, name };
        load.SetAction((parse, _) => LoadAsync(parse.GetValue(file)!, parse.GetValue(name)));

        var list = new Command("list", "List images");
        list.SetAction((_, _) => ListAsync());

        var reference = new Argument<string>("reference");
        var remove = new Command("rm", "Remove an image") { reference };
        remove.SetAction((parse, _) => RemoveAsync(parse.GetValue(reference)!));
        return new Command("image", "Load, list and remove images") { load, list, remove };
    }

    private static async Task<int> LoadAsync(string file, string? name)
    {
        if (file != "-" && !File.Exists(file))
        {
            throw new CliException($"{file}: no such file", 3);
        }

        await using var tar = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
        using var client = new AdminClient(Places.Current);
        var query = name is null ? "" : $"?name={Uri.EscapeDataString(name)}";
        using var response = await client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"/v1/images{query}") { Content = new StreamContent(tar) });
        Console.Out.Write(await response.Content.ReadAsStringAsync());
        return 0;
    }

    private static async Task<int> ListAsync()
    {
        using var client = new AdminClient(Places.Current);
        var images = await client.ImagesAsync();
        var width = images.Select(i => i.Reference.Length).Append(9).Max();
        Console.Out.WriteLine($"{"REFERENCE".PadRight(width)}  {"DIGEST",-19}  SIZE");
        foreach (var image in images)
        {
            var megabytes = (image.Bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
            Console.Out.WriteLine($"{image.Reference.PadRight(width)}  {image.Digest[..Math.Min(19, image.Digest.Length)]}  {megabytes} MB");
        }

        return 0;
    }

    private static async Task<int> RemoveAsync(string reference)
    {
        using var client = new AdminClient(Places.Current);
        using var _ = await client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"/v1/images?reference={Uri.EscapeDataString(reference)}"));
        Console.Out.WriteLine($"Removed {reference}");
        return 0;
    }
}
