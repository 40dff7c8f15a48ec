using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Tests.Serving;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures the tokens per second of a server that several clients ask at once, for whole answers and for streamed ones. A loop without a server continues
/// the same prompts in one batch, with the same tokens as result.
/// </summary>
internal static class ServeClientsBenchmark
{
    private const int Tokens = 64;

    public static async Task Run(string model, int rounds, int threads)
    {
        var storage = new DiskStorage();
        await using ServedAlm server = await ServedAlm.StartAsync("--model", model, "--threads", threads.ToString(CultureInfo.InvariantCulture));
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, threads);
        LanguageModel bare = await device.RunAsync(() => LanguageModel.Load(model, TextTokenizer.Load(model, storage), storage, device));
        try
        {
            foreach (int clients in (int[])[1, 8, 32])
            {
                string[] prompts = [.. Enumerable.Range(0, clients).Select(i => $"{(i % 2 == 0 ? "Tom" : "Ann")} has {i + 3} apples and")];
                (string Name, Func<Task<int>> Run, List<double> Rates, List<double> Processor)[] sides =
                [
                    ("bare loop", () => device.RunAsync(() => Generate(bare, prompts)), [], []),
                    ("whole answers", async () => (await Task.WhenAll(prompts.Select(prompt => WholeAsync(server, prompt)))).Sum(), [], []),
                    ("streamed", async () => (await Task.WhenAll(prompts.Select(prompt => StreamedAsync(server, prompt)))).Sum(), [], []),
                ];
                // The first round warms up.
                for (int round = 0; round <= rounds; round++)
                {
                    var counts = new List<int>();
                    foreach (var side in sides)
                    {
                        TimeSpan processor = Environment.CpuUsage.TotalTime;
                        long start = Stopwatch.GetTimestamp();
                        counts.Add(await side.Run());
                        if (round == 0)
                            continue;
                        side.Rates.Add(counts[^1] / Stopwatch.GetElapsedTime(start).TotalSeconds);
                        side.Processor.Add((Environment.CpuUsage.TotalTime - processor).TotalSeconds);
                    }
                    if (counts.Distinct().Count() > 1)
                        throw new InvalidOperationException($"the sides made {string.Join(", ", counts)} tokens, not the same work");
                }
                foreach (var side in sides)
                {
                    double Ratio(Func<int, double> of) => Statistics.Median(Enumerable.Range(0, rounds).Select(of));
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"  {clients,2} clients, {side.Name,-14}{Statistics.Median(side.Rates),7:F0} tokens/s, {Ratio(i => side.Rates[i] / sides[0].Rates[i]):F2} of the bare loop; {Ratio(i => side.Processor[i] / sides[0].Processor[i]):F2} of its processor time, clients included"));
                }
            }
        }
        finally
        {
            await device.RunAsync(bare.Dispose);
        }
    }

    // Encodes prompts as the server does, and always takes the most likely token.
    private static int Generate(LanguageModel model, string[] prompts)
    {
        TokenGenerator generator = model.Generator(new GenerationOptions { MaxNewTokens = Tokens, Temperature = 0 });
        var ends = new HashSet<int> { model.Tokenizer.EosId!.Value };
        return generator.Run([.. prompts.Select(prompt => new Continuation(model.Tokenizer, prompt).Prompt)], ends, model.ValidRows).Count();
    }

    private static async Task<int> WholeAsync(ServedAlm server, string prompt)
    {
        JsonNode answer = await server.PostAsync("v1/completions", new { prompt, max_tokens = Tokens, temperature = 0 });
        return (int)answer["usage"]!["completion_tokens"]!;
    }

    private static async Task<int> StreamedAsync(ServedAlm server, string prompt)
    {
        using var content = new StringContent(
            JsonSerializer.Serialize(new { prompt, max_tokens = Tokens, temperature = 0, stream = true, stream_options = new { include_usage = true } }), Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions") { Content = content };
        using HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        string last = "";
        while (await lines.ReadLineAsync() is { } line && line != "data: [DONE]")
            last = line.Length > 0 ? line : last;
        return (int)JsonNode.Parse(last["data: ".Length..])!["usage"]!["completion_tokens"]!;
    }
}
