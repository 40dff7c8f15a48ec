using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>
/// A server on this machine that answers as vLLM, SGLang or an endpoint with echo does, by what it is asked, with the distributions of a table:
/// what comes after a token depends on that token alone. It can be told to misbehave.
/// </summary>
internal sealed class FakeServer : IDisposable
{
    private static readonly JsonSerializerOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HttpListener _listener = new();
    private readonly int _vocabulary;
    private double[][] _logP;
    private int _requests;

    public FakeServer(int vocabulary, int seed)
    {
        _vocabulary = vocabulary;
        _logP = Table(vocabulary, seed);
        for (int port = 20_000 + new Random(seed).Next(20_000); ; port++)
        {
            try
            {
                Url = $"http://127.0.0.1:{port}";
                _listener.Prefixes.Add(Url + "/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // Another process has the port, and a listener that failed to start is closed.
                _listener = new HttpListener();
            }
        }
        _ = ServeAsync();
    }

    public string Url { get; }

    /// <summary>Changes an answer: the number of the request from 0, the ids it had, the answer.</summary>
    public Func<int, int[], JsonObject, JsonNode?> Change { get; set; } = (_, _, answer) => answer;

    /// <summary>Changes an answer's text; null: half of it is sent and the connection cut.</summary>
    public Func<int, string, string?> Text { get; set; } = (_, text) => text;

    /// <summary>The status of a request; 200 answers it.</summary>
    public Func<int, int> Status { get; set; } = _ => 200;

    /// <summary>What stands in the body of another status.</summary>
    public string Refusal { get; set; } = "";

    /// <summary>Sent with another status than 200.</summary>
    public string? RetryAfter { get; set; }

    public int Requests => _requests;

    /// <summary>What requests were signed with.</summary>
    public ConcurrentQueue<string> Signatures { get; } = [];

    /// <summary>Requests as they came.</summary>
    public ConcurrentQueue<JsonNode> Asked { get; } = [];

    public double LogP(int before, int id) => _logP[before][id];

    /// <summary>Another model answers from now on.</summary>
    public void Teach(int seed) => _logP = Table(_vocabulary, seed);

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            try
            {
                await AnswerAsync(context);
            }
            catch (Exception e) when (e is HttpListenerException or IOException)
            {
                // Whoever asked has gone.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        int number = Interlocked.Increment(ref _requests) - 1;
        if (context.Request.Headers["Authorization"] is { } signature)
            Signatures.Enqueue(signature);
        using HttpListenerResponse response = context.Response;
        // A connection that is closed just when it is used again is a fault nobody planted.
        response.KeepAlive = false;
        response.StatusCode = Status(number);
        if (response.StatusCode != 200)
        {
            if (RetryAfter is not null)
                response.Headers["Retry-After"] = RetryAfter;
            await response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(Refusal));
            return;
        }
        JsonNode asked = JsonNode.Parse(context.Request.InputStream)!;
        Asked.Enqueue(asked);
        int[] ids = [.. (asked["input_ids"] ?? asked["prompt"])!.AsArray().Select(i => (int)i!)];
        JsonObject answer = asked["prompt_logprobs"] is null && asked["echo"] is null && asked["return_logprob"] is null ? Written(asked, ids[^1])
            : asked["input_ids"] is not null ? Sglang(ids, (int)asked["top_logprobs_num"]!)
            : asked["echo"] is not null ? Echo(ids, (int)asked["logprobs"]!)
            : Vllm(ids, (int)asked["prompt_logprobs"]!);
        string whole = JsonSerializer.Serialize(Change(number, ids, answer), Layout);
        string? text = Text(number, whole);
        byte[] body = Encoding.UTF8.GetBytes(text ?? whole);
        response.ContentType = "application/json";
        response.ContentLength64 = body.Length;
        await response.OutputStream.WriteAsync(text is null ? body.AsMemory(0, body.Length / 2) : body);
        if (text is null)
            response.Abort();
    }

    private JsonObject Vllm(int[] ids, int top)
    {
        var positions = new JsonArray { null };
        for (int t = 1; t < ids.Length; t++)
            positions.Add(new JsonObject(Listed(ids, t, top).Append(ids[t]).Distinct().Select(id => KeyValuePair.Create($"{id}", (JsonNode?)new JsonObject { ["logprob"] = _logP[ids[t - 1]][id] }))));
        return new JsonObject { ["model"] = "table", ["choices"] = new JsonArray { new JsonObject { ["index"] = 0, ["prompt_logprobs"] = positions } } };
    }

    private JsonObject Sglang(int[] ids, int top)
    {
        var observed = new JsonArray { new JsonArray(null, ids[0], null) };
        var listed = new JsonArray { null };
        for (int t = 1; t < ids.Length; t++)
        {
            observed.Add(new JsonArray(_logP[ids[t - 1]][ids[t]], ids[t], null));
            listed.Add(new JsonArray([.. Listed(ids, t, top).Select(id => (JsonNode)new JsonArray(_logP[ids[t - 1]][id], id, null))]));
        }
        return new JsonObject { ["text"] = "x", ["meta_info"] = new JsonObject { ["prompt_tokens"] = ids.Length, ["input_token_logprobs"] = observed, ["input_top_logprobs"] = listed } };
    }

    private JsonObject Echo(int[] ids, int top)
    {
        // One token is generated, and stands behind the prompt's.
        ids = [.. ids, 'x'];
        JsonArray tokens = [.. ids.Select(id => (JsonNode)NameOf(id))], values = [null], listed = [null];
        for (int t = 1; t < ids.Length; t++)
        {
            values.Add(_logP[ids[t - 1]][ids[t]]);
            var names = new JsonObject();
            foreach (int id in Listed(ids, t, top))
                names[NameOf(id)] = _logP[ids[t - 1]][id];
            listed.Add(names);
        }
        var lists = new JsonObject { ["tokens"] = tokens, ["token_logprobs"] = values, ["top_logprobs"] = listed };
        return new JsonObject { ["model"] = "table", ["choices"] = new JsonArray { new JsonObject { ["index"] = 0, ["text"] = "x", ["logprobs"] = lists } } };
    }

    // Draws over printable tokens; every third answer is ended by the model.
    private JsonObject Written(JsonNode asked, int last)
    {
        JsonNode? sampling = asked["sampling_params"];
        int seed = (int)(sampling?["sampling_seed"] ?? asked["seed"])!, most = (int)(sampling?["max_new_tokens"] ?? asked["max_tokens"])!;
        bool isEnded = seed % 3 == 0;
        var random = new Random(seed);
        int tokens = isEnded ? most / 2 : most;
        string text = string.Concat(Enumerable.Range(0, tokens).Select(_ => (char)(last = Enumerable.Range(32, 95).MaxBy(id => _logP[last][id] - Math.Log(-Math.Log(random.NextDouble()))))));
        string reason = isEnded ? "stop" : "length";
        if (sampling is not null)
            return new JsonObject { ["text"] = text, ["meta_info"] = new JsonObject { ["finish_reason"] = new JsonObject { ["type"] = reason }, ["completion_tokens"] = tokens } };
        return new JsonObject
        {
            ["model"] = "table",
            ["choices"] = new JsonArray { new JsonObject { ["index"] = 0, ["text"] = text, ["finish_reason"] = reason } },
            ["usage"] = new JsonObject { ["completion_tokens"] = tokens },
        };
    }

    private IEnumerable<int> Listed(int[] ids, int t, int top)
    {
        double[] row = _logP[ids[t - 1]];
        return Enumerable.Range(0, row.Length).OrderByDescending(id => row[id]).Take(top < 0 ? row.Length : top);
    }

    // As servers name tokens of bytes: a part of a character is nobody's.
    private static string NameOf(int id) => id switch { < 128 => $"{(char)id}", < 256 => "\uFFFD", 256 => "<s>", 257 => "</s>", _ => "<pad>" };

    private static double[][] Table(int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => LogSoftmax([.. Enumerable.Range(0, vocabulary).Select(_ => 4 * random.NextDouble())]))];
    }

    private static double[] LogSoftmax(double[] logits)
    {
        double sum = Math.Log(logits.Sum(Math.Exp));
        return [.. logits.Select(l => l - sum)];
    }
}
