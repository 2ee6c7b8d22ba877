// The smallest useful Knative service: says hello to $TARGET, on the port that the platform chose.
var builder = WebApplication.CreateEmptyBuilder(new() { Args = args });
builder.WebHost.UseKestrelCore();
builder.WebHost.UseUrls($"http://*:{Environment.GetEnvironmentVariable("PORT") ?? "8080"}");

var app = builder.Build();
var greeting = System.Text.Encoding.UTF8.GetBytes($"Hello {Environment.GetEnvironmentVariable("TARGET") ?? "World"}!\n");
app.Run(context =>
{
    context.Response.ContentType = "text/plain";
    context.Response.ContentLength = greeting.Length;
    return context.Response.Body.WriteAsync(greeting).AsTask();
});
app.Run();
