using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.FaultTests.Runs;

namespace Pipeline.FaultTests.Soak;

/// <summary>
/// The real program serves a model, its byte student and both as one to eight callers of every kind at once: some read all, some go away, some
/// are refused. Between them a look at what the process holds. Seen with <c>dotnet Pipeline.FaultTests.dll serve --requests 10000</c>.
/// </summary>
internal sealed class ServeSoak(TinyJob job, TextWriter output)
{
    private const int Callers = 8, Samples = 60, Terminate = 15;

    /// <summary>Asks so often; what the process held meanwhile. Fails at the first answer that is not the expected one.</summary>
    public async Task<SampleSeries> RunAsync(int requests)
    {
        long start = Stopwatch.GetTimestamp();
        string run = job.NewFolder("served");
        using (AlmChild made = AlmChild.Run(TinyJob.Arguments(job.Definition, run)))
        {
            AlmEnd end = made.End();
            Assert.True(end.Code == ExitCodes.Success, end.ToString());
        }
        // So few tokens are kept that they are at their most from early on.
        using AlmChild server = AlmChild.Run(
            "serve", "--model", $"teacher={job.Teacher}", "--model", $"student={Path.Combine(run, "student")}", "--ensemble", "both=teacher,student", "--port", "0", "--threads", "1", "--prefix-tokens", "2048");
        const string said = "listening on ";
        server.Until(() => server.Output.Contains(said, StringComparison.Ordinal) && server.Output.Contains('\n', StringComparison.Ordinal), "it listens");
        using var client = new HttpClient { BaseAddress = new Uri(server.Output.Split('\n').First(line => line.StartsWith(said, StringComparison.Ordinal))[said.Length..] + "/") };
        var series = new SampleSeries();
        int next = 0;
        for (int sample = 1; sample <= Samples; sample++)
        {
            int end = requests * sample / Samples;
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => AskUntilAsync(end)));
            next = end;
            series.Add(ProcessSample.Of(server.Id));
        }
        server.Signal(Terminate);
        AlmEnd stopped = server.End();
        Assert.True(stopped.Code == ExitCodes.Success && stopped.Error.Length == 0, stopped.ToString());
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{requests} requests in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s: {series}"));
        return series;

        async Task AskUntilAsync(int end)
        {
            for (int i = Interlocked.Increment(ref next) - 1; i < end; i = Interlocked.Increment(ref next) - 1)
                await AskAsync(client, i);
        }
    }

    private static async Task AskAsync(HttpClient client, int i)
    {
        string prompt = string.Create(CultureInfo.InvariantCulture, $"Ada has {i} apples and then {i * 7 % 100} more");
        switch (i % 10)
        {
            case 0:
                await PostAsync(client, "v1/completions", new { model = "both", prompt, max_tokens = 1 });
                break;
            case 1:
                await PostAsync(client, "v1/completions", new { model = "student", prompt, max_tokens = 1, logprobs = 2 });
                break;
            case 2:
                await PostAsync(client, "v1/completions", new { model = "teacher", prompt, max_tokens = 1, echo = true, logprobs = 1, temperature = 0 });
                break;
            case 3:
                await PostAsync(client, "v1/completions", new { model = "both", prompt, max_tokens = 0, echo = true, logprobs = 1 });
                break;
            case 4:
                await PostAsync(client, "tokenize", new { model = "teacher", prompt });
                break;
            case 5:
                await PostAsync(client, "v1/completions", new { model = "teacher", prompt, max_tokens = 8, stream = true, stop = "." });
                break;
            case 6:
                await LeaveAsync(client, new { model = i % 20 == 6 ? "both" : "teacher", prompt, max_tokens = 200, stream = true });
                break;
            case 7:
                await PostAsync(client, "v1/chat/completions", new { model = "teacher", messages = new[] { new { role = "user", content = prompt } } }, HttpStatusCode.BadRequest);
                break;
            case 8:
                await PostAsync(client, "v1/completions", new { model = "nobody", prompt }, HttpStatusCode.NotFound);
                break;
            default:
                await PostAsync(client, "v1/completions", new { model = "teacher", prompt = new[] { prompt, prompt + " of them", "Ben" }, max_tokens = 1, n = 2 });
                break;
        }
    }

    private static async Task PostAsync(HttpClient client, string path, object body, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using HttpResponseMessage answer = await client.PostAsync(path, Json(body));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{path}: {answer.StatusCode} {text}");
    }

    // Reads the first line of a stream and goes.
    private static async Task LeaveAsync(HttpClient client, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions") { Content = Json(body) };
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.StartsWith("data: {", await lines.ReadLineAsync(), StringComparison.Ordinal);
    }

    private static StringContent Json(object body) => new(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
}
