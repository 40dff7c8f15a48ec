using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>
/// A server on this machine that answers completions as vLLM does, with the distributions of a table: what comes after a token depends on
/// that token alone. It can be told to misbehave.
/// </summary>
internal sealed class FakeServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly double[][] _logP;
    private int _requests;

    public FakeServer(int vocabulary, int seed)
    {
        var random = new Random(seed);
        _logP = [.. Enumerable.Range(0, vocabulary).Select(_ => LogSoftmax([.. Enumerable.Range(0, vocabulary).Select(_ => 4 * random.NextDouble())]))];
        for (int port = 20_000 + random.Next(20_000); ; port++)
        {
            try
            {
                Url = $"http://127.0.0.1:{port}";
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add(Url + "/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // Somebody else has the port.
            }
        }
        _ = ServeAsync();
    }

    public string Url { get; }

    /// <summary>Changes an answer: the number of the request from 0, the ids it had, the answer.</summary>
    public Func<int, int[], JsonObject, JsonNode?> Change { get; set; } = (_, _, answer) => answer;

    /// <summary>The status of a request; 200 answers it.</summary>
    public Func<int, int> Status { get; set; } = _ => 200;

    public int Requests => _requests;

    public double LogP(int before, int id) => _logP[before][id];

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
            int number = Interlocked.Increment(ref _requests) - 1;
            using HttpListenerResponse response = context.Response;
            response.StatusCode = Status(number);
            if (response.StatusCode != 200)
                continue;
            JsonNode asked = JsonNode.Parse(context.Request.InputStream)!;
            int[] ids = [.. asked["prompt"]!.AsArray().Select(i => (int)i!)];
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(Change(number, ids, Answer(ids, (int)asked["prompt_logprobs"]!)));
            response.ContentType = "application/json";
            await response.OutputStream.WriteAsync(body);
        }
    }

    private JsonObject Answer(int[] ids, int top)
    {
        var positions = new JsonArray { null };
        for (int t = 1; t < ids.Length; t++)
        {
            double[] row = _logP[ids[t - 1]];
            IEnumerable<int> listed = Enumerable.Range(0, row.Length).OrderByDescending(id => row[id]).Take(top < 0 ? row.Length : top).Append(ids[t]).Distinct();
            positions.Add(new JsonObject(listed.Select(id => KeyValuePair.Create($"{id}", (JsonNode?)new JsonObject { ["logprob"] = row[id] }))));
        }
        return new JsonObject { ["model"] = "table", ["choices"] = new JsonArray { new JsonObject { ["index"] = 0, ["prompt_logprobs"] = positions } } };
    }

    private static double[] LogSoftmax(double[] logits)
    {
        double sum = Math.Log(logits.Sum(Math.Exp));
        return [.. logits.Select(l => l - sum)];
    }
}
