using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Hosting;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Serving;

/// <summary><c>alm serve</c> inside this process.</summary>
internal sealed class ServedAlm : IAsyncDisposable
{
    private readonly StopSignals _signals = new();
    private readonly StringWriter _error = new();
    private Task<int> _run = Task.FromResult(0);

    public HttpClient Client { get; private set; } = new();

    public string Url { get; private set; } = "";

    public string Error => _error.ToString();

    public static async Task<ServedAlm> StartAsync(params string[] arguments)
    {
        var served = new ServedAlm();
        var lines = new Lines();
        served._run = AlmCommandLine.InvokeAsync(["serve", "--port", "0", "--device", "cpu", .. arguments], new CommandEnvironment
        {
            Stages = StageTable.All,
            Storage = new DiskStorage(),
            Output = lines,
            Error = TextWriter.Synchronized(served._error),
            Signals = served._signals,
            Variable = _ => null,
        });
        Task<string> first = lines.ReadAsync();
        await Task.WhenAny(first, served._run);
        const string said = "listening on ";
        if (!first.IsCompleted || !(await first).StartsWith(said + "http://127.0.0.1:", StringComparison.Ordinal))
            throw new InvalidOperationException($"the server did not say where it listens: {served._error}");
        served.Url = (await first)[said.Length..];
        served.Client = new HttpClient { BaseAddress = new Uri(served.Url + "/"), Timeout = TimeSpan.FromMinutes(5) };
        return served;
    }

    public async Task<JsonNode> PostAsync(string path, JsonNode body, int expected = 200)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await Client.PostAsync(path, content);
        string text = await response.Content.ReadAsStringAsync();
        return (int)response.StatusCode == expected ? JsonNode.Parse(text)! : throw new InvalidOperationException($"{path}: {(int)response.StatusCode} {text}");
    }

    public Task<JsonNode> PostAsync(string path, object body, int expected = 200) => PostAsync(path, JsonSerializer.SerializeToNode(body)!, expected);

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Client.GetStringAsync(path))!;

    /// <summary>As Ctrl-C does; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        _signals.Request();
        return await _run;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
        _signals.Dispose();
        await _error.DisposeAsync();
    }

    /// <summary>Lines as they are written.</summary>
    private sealed class Lines : TextWriter
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public override Encoding Encoding => Encoding.UTF8;

        public Task<string> ReadAsync() => _lines.Reader.ReadAsync().AsTask();

        public override Task WriteLineAsync(string? value)
        {
            _lines.Writer.TryWrite(value ?? "");
            return Task.CompletedTask;
        }
    }
}
