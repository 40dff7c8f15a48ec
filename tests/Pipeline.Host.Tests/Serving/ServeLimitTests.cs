using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Tests.Serving;

/// <summary>Many callers, long bodies, callers that go away, and a stop in the middle: nothing lost and nothing stuck.</summary>
public sealed class ServeLimitTests
{
    private static readonly string Teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");

    [Fact]
    public async Task Sixty_four_callers_at_once_get_what_each_gets_alone()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}", "--rows", "16");
        async Task<string> AskAsync(int i)
        {
            JsonNode answer = await server.PostAsync("v1/completions", new { prompt = $"Tom has {i % 8} apples and", max_tokens = 4 + (i % 5), temperature = i % 2 * 0.8, seed = i % 4 });
            return (string)answer["choices"]![0]!["text"]!;
        }
        string[] together = await Task.WhenAll(Enumerable.Range(0, 64).Select(AskAsync));
        for (int i = 0; i < 64; i += 7)
            Assert.Equal(await AskAsync(i), together[i]);
        Assert.Equal("", server.Error);
    }

    [Fact]
    public async Task What_is_too_long_or_wrong_is_refused_with_a_reason_and_the_server_goes_on()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}");
        string Message(JsonNode answer) => (string)answer["error"]!["message"]!;
        using var long10 = new StringContent("{\"prompt\":\"" + new string('a', 10_000_000) + "\"}", Encoding.UTF8, "application/json");
        try
        {
            using HttpResponseMessage refused = await server.Client.PostAsync("v1/completions", long10);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        }
        catch (HttpRequestException)
        {
            // Cut off while it still sent, which is a refusal too.
        }
        Assert.Contains("context", (string)(await server.PostAsync("v1/completions", new { prompt = "a", max_tokens = 4000 }, 400))["error"]!["code"]!, StringComparison.Ordinal);
        Assert.Contains("'temperature' is \"hot\", expected a number", Message(await server.PostAsync("v1/completions", new { prompt = "a", temperature = "hot" }, 400)), StringComparison.Ordinal);
        Assert.Contains("has id 5000", Message(await server.PostAsync("v1/completions", new { prompt = new[] { 5000 } }, 400)), StringComparison.Ordinal);
        Assert.Contains("'prompt' is missing", Message(await server.PostAsync("v1/completions", new { max_tokens = 4 }, 400)), StringComparison.Ordinal);
        Assert.Contains("'logit_bias' is not supported", Message(await server.PostAsync("v1/completions", new { prompt = "a", logit_bias = new { a = 1 } }, 400)), StringComparison.Ordinal);
        Assert.Contains("has no chat template", Message(await server.PostAsync("v1/chat/completions", new { messages = new[] { new { role = "user", content = "hi" } } }, 400)), StringComparison.Ordinal);
        using var broken = new StringContent("{", Encoding.UTF8, "application/json");
        using (HttpResponseMessage answer = await server.Client.PostAsync("v1/completions", broken))
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.NotNull((await server.PostAsync("v1/completions", new { prompt = "a", max_tokens = 1 }))["choices"]);
        Assert.Equal("", server.Error);
    }

    [Fact]
    public async Task A_caller_that_goes_away_or_reads_nothing_holds_nobody_up()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}", "--rows", "2");
        Uri url = new(server.Url);
        byte[] body = Encoding.UTF8.GetBytes("{\"prompt\":\"Tom\",\"max_tokens\":1900,\"temperature\":1,\"stream\":true,\"seed\":3}");
        byte[] head = Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        var silent = new List<TcpClient>();
        for (int i = 0; i < 4; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(url.Host, url.Port);
            await client.GetStream().WriteAsync((byte[])[.. head, .. body]);
            silent.Add(client);
        }
        // Both rows are taken by callers that read nothing, two more wait; they go, and the next is answered.
        await silent[0].GetStream().ReadExactlyAsync(new byte[1]);
        silent.ForEach(client => client.Dispose());
        JsonNode answer = await server.PostAsync("v1/completions", new { prompt = "Tom has", max_tokens = 2, temperature = 0 });
        Assert.NotEmpty((string)answer["choices"]![0]!["text"]!);
    }

    [Fact]
    public async Task A_caller_that_sends_slowly_is_answered_and_holds_nobody_up()
    {
        await using ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}");
        Uri url = new(server.Url);
        byte[] body = Encoding.UTF8.GetBytes("{\"prompt\":\"Tom has 3 apples and\",\"max_tokens\":4,\"temperature\":0}");
        using var slow = new TcpClient();
        await slow.ConnectAsync(url.Host, url.Port);
        NetworkStream stream = slow.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
        await stream.WriteAsync(body.AsMemory(0, 20));
        // The others have their whole answers while its body is still half there.
        JsonNode quick = await server.PostAsync("v1/completions", new { prompt = "Tom has 3 apples and", max_tokens = 4, temperature = 0 });
        foreach (byte value in body.AsMemory(20).ToArray())
            await stream.WriteAsync((byte[])[value]);
        string answer = await new StreamReader(stream).ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        JsonNode late = JsonNode.Parse(answer[answer.IndexOf('{', StringComparison.Ordinal)..(answer.LastIndexOf('}') + 1)])!;
        Assert.Equal((string)quick["choices"]![0]!["text"]!, (string)late["choices"]![0]!["text"]!);
    }

    [Fact]
    public async Task A_stop_lets_what_is_under_way_end_and_takes_nothing_new()
    {
        ServedAlm server = await ServedAlm.StartAsync("--model", $"teacher={Teacher}");
        Task<JsonNode>[] asked = [.. Enumerable.Range(0, 8).Select(i => server.PostAsync("v1/completions", new { prompt = $"Tom has {i}", max_tokens = 40, temperature = 1, seed = i }))];
        using var stream = new HttpRequestMessage(HttpMethod.Post, "v1/completions") { Content = new StringContent("{\"prompt\":\"Tom\",\"max_tokens\":30,\"temperature\":1,\"seed\":5,\"stream\":true}", Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await server.Client.SendAsync(stream, HttpCompletionOption.ResponseHeadersRead);
        Task<int> stopped = server.StopAsync();
        string events = await response.Content.ReadAsStringAsync();
        Assert.EndsWith("data: [DONE]\n\n", events, StringComparison.Ordinal);
        Assert.All(await Task.WhenAll(asked), answer => Assert.NotNull(answer["choices"]));
        Assert.Equal(0, await stopped);
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Client.GetAsync("health"));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task An_address_that_others_reach_needs_a_key()
    {
        AlmAnswer answer = await Alm.RunAsync(["serve", "--model", Teacher, "--host", "0.0.0.0", "--port", "0"], variable: _ => null);
        Assert.Equal(64, answer.Code);
        Assert.Contains("--host 0.0.0.0 can be reached from other machines: give --api-key KEY", answer.Error, StringComparison.Ordinal);
    }
}
