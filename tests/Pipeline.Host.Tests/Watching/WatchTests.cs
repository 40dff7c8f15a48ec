using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Hosting;
using Pipeline.Host.Tests.Stages;

namespace Pipeline.Host.Tests.Watching;

/// <summary>What <c>alm watch</c> says of a run; what a browser makes of it, tests/browser looks at.</summary>
public sealed class WatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Parts_rejects_errors_steps_and_the_end_are_told_from_the_folder_alone()
    {
        string run = _folder["run"];
        string definition = _folder.Write("d.json", """
            { "name": "test", "flows": [
              { "name": "score", "stages": [ { "stage": "make-texts", "count": 100, "rejectEvery": 9 }, { "stage": "shout", "failEvery": 40 }, { "stage": "write-parts", "count": 5 } ] },
              { "name": "train", "stages": [ { "stage": "make-texts", "count": 100 }, { "stage": "train", "steps": 5 } ] } ] }
            """);
        Assert.Equal(ExitCodes.Defect, (await Alm.RunAsync(["run", definition, "--run", run])).Code);
        await using var watch = await Watch.StartAsync(run);

        JsonNode failed = await watch.StatusAsync();
        Assert.Equal("stopped", (string?)failed["state"]);
        Assert.Contains("score|failed|1 of 5 parts", Text(failed["sections"]!["flows"]!), StringComparison.Ordinal);
        Assert.Contains("train|waiting", Text(failed["sections"]!["flows"]!), StringComparison.Ordinal);
        Assert.Contains("score|1|70|", Text(failed["sections"]!["errors"]!), StringComparison.Ordinal);
        Assert.Contains("|70|", Text(failed["sections"]!["errors"]![1]!), StringComparison.Ordinal);
        Assert.Contains("score|make-texts|", Text(failed["sections"]!["rejects"]!), StringComparison.Ordinal);

        string marks = Path.Combine(run, "parts", "score");
        ProcessIdentity elsewhere = ProcessIdentity.Current with { Machine = "node7" };
        string mark = Path.Combine(marks, $".staging-{elsewhere}-1-00002.running");
        await File.WriteAllTextAsync(mark, """{"seconds":1}""" + "\n" + """{"seconds":10,"records":12,"tokens":500,"first":0,"done":5,"total":20}""" + "\n{\"sec");
        JsonNode running = await watch.StatusAsync();
        Assert.Equal("running", (string?)running["state"]);
        Assert.Contains("score|2|node7-", Text(running["sections"]!["flows"]!), StringComparison.Ordinal);
        Assert.Contains("|12|50|25.0 %", Text(running["sections"]!["flows"]!), StringComparison.Ordinal);
        File.Delete(mark);

        Assert.Equal(0, (await Alm.RunAsync(["run", definition, "--run", run, "--set", "maxFailedRecords=9"])).Code);
        JsonNode done = await watch.StatusAsync();
        Assert.Equal("done", (string?)done["state"]);
        Assert.Contains("score|done|5 of 5 parts", Text(done["sections"]!["flows"]!), StringComparison.Ordinal);
        Assert.Contains("train|done|step 5 of 5", Text(done["sections"]!["flows"]!), StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4, 5], done["charts"]![0]!["x"]!.AsArray().Select(x => (int)x!));
        Assert.Contains("\"x\":[1,2,3,4,5]", await File.ReadAllTextAsync(Path.Combine(run, "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_is_one_file_that_only_this_machine_is_given_and_no_text_of_a_run_is_markup()
    {
        string run = _folder["run"], definition = _folder.Write("d.json", Alm.Definition("""{ "stage": "make-texts", "count": 3 }, { "stage": "train", "steps": 2 }"""));
        await Alm.RunAsync(["run", definition, "--run", run, "--through", "only"]);
        Directory.CreateDirectory(run);
        await File.WriteAllTextAsync(Path.Combine(run, "errors.jsonl"), """{"time":"now","exitCode":70,"message":"</script><b>"}""" + "\n{\"time\":");
        await using var watch = await Watch.StartAsync(run);

        string page = await watch.Client.GetStringAsync("");
        foreach (string fetch in new[] { "src=\"http", "href=\"http", "@import", "<link", "<b>" })
            Assert.DoesNotContain(fetch, page, StringComparison.Ordinal);
        Assert.Contains("</script><b>", Text((await watch.StatusAsync())["sections"]!["errors"]!), StringComparison.Ordinal);
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "status.json") { Headers = { Host = "elsewhere.example" } };
        using HttpResponseMessage refused = await watch.Client.SendAsync(foreign);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using HttpResponseMessage missing = await watch.Client.GetAsync("definition.json");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        File.Delete(Path.Combine(run, "definition.json"));
        using HttpResponseMessage gone = await watch.Client.GetAsync("status.json");
        Assert.Contains("is not a run folder", await gone.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Input, (await Alm.RunAsync(["watch", _folder["nowhere"], "--port", "0"])).Code);
    }

    // Tables as lines of cells.
    private static string Text(JsonNode tables)
        => string.Join('\n', (tables is JsonArray all ? all.Select(t => t!) : [tables]).SelectMany(t => t["rows"]!.AsArray()).Select(r => string.Join('|', r!.AsArray().Select(c => (string?)c))));

    /// <summary><c>alm watch</c> inside the test's process.</summary>
    private sealed class Watch(StopSignals signals, Task<int> run, HttpClient client) : IAsyncDisposable
    {
        public HttpClient Client { get; } = client;

        public static async Task<Watch> StartAsync(string folder)
        {
            var lines = new Lines();
            var signals = new StopSignals();
            Task<int> run = AlmCommandLine.InvokeAsync(["watch", folder, "--port", "0"], new CommandEnvironment { Stages = TestStageTable.All, Output = lines, Error = TextWriter.Null, Signals = signals });
            string first = await lines.Reader.ReadAsync();
            return new Watch(signals, run, new HttpClient { BaseAddress = new Uri(first[(first.LastIndexOf(' ') + 1)..] + "/") });
        }

        public async Task<JsonNode> StatusAsync() => JsonNode.Parse(await Client.GetStringAsync("status.json"))!;

        public async ValueTask DisposeAsync()
        {
            signals.Request();
            Assert.Equal(0, await run);
            Client.Dispose();
            signals.Dispose();
        }
    }

    private sealed class Lines : TextWriter
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public override Encoding Encoding => Encoding.UTF8;

        public ChannelReader<string> Reader => _lines.Reader;

        public override Task WriteLineAsync(string? value)
        {
            _lines.Writer.TryWrite(value ?? "");
            return Task.CompletedTask;
        }
    }
}
