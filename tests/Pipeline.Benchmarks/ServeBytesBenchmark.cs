using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Host.Commands;
using Pipeline.Host.Tests.Serving;
using Pipeline.Stages;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures the bytes per second of a teacher, of its byte-level student, and of the ensemble of both, averaged over exact next bytes. One client asks each.
/// </summary>
internal static class ServeBytesBenchmark
{
    private const int Bytes = 120;

    public static async Task Run(string model, string student, int rounds, int threads)
    {
        await using ServedAlm server = await ServedAlm.StartAsync(
            "--model", $"teacher={model}", "--model", $"student={student}", "--ensemble", "both=teacher,student", "--threads", threads.ToString(CultureInfo.InvariantCulture));
        (string Name, int Tokens, List<double> Rates)[] sides = [("teacher", Bytes / 3, []), ("student", Bytes, []), ("both", Bytes, [])];
        // The first round warms up.
        for (int round = 0; round <= rounds; round++)
        {
            foreach (var side in sides)
            {
                (JsonNode answer, double wall, _) = await ServeBenchmark.AskAsync(server, new { model = side.Name, prompt = $"Tom has {round + 3} apples", max_tokens = side.Tokens, temperature = 0 });
                if (round > 0)
                    side.Rates.Add(Encoding.UTF8.GetByteCount((string)answer["choices"]![0]!["text"]!) / wall * 1000);
            }
        }
        foreach (var side in sides)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {side.Name,-8}{Statistics.Median(side.Rates),7:F0} bytes/s"));
    }

    /// <summary>Trains a byte-level student for as many steps as it needs to write text like the teacher's. Returns its folder.</summary>
    public static async Task<string> MakeAsync(string model, string folder, int threads)
    {
        string definition = Path.Combine(folder, "student.json"), run = Path.Combine(folder, "run");
        await File.WriteAllTextAsync(definition, $$"""
            {
              "name": "student", "seed": 17, "threads": {{threads}},
              "teacher": { "model": "{{model}}" },
              "student": { "model": "{{model}}", "tokenizer": "bytes", "embeddings": "fvt" },
              "flows": [
                { "name": "score", "stages": [
                  { "stage": "read-parquet", "files": ["data/text/train-*.parquet"], "maxRows": 400 },
                  { "stage": "tokenize", "maxTeacherTokens": 256 },
                  { "stage": "score-teacher", "bytes": "trunk" },
                  { "stage": "write-shards", "to": "shards", "count": 1 } ] },
                { "name": "distill", "stages": [
                  { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
                  { "stage": "batch", "tokens": 2048 },
                  { "stage": "update-student", "to": "student", "objectives": { "bytes": {} }, "steps": 60, "learningRate": 5e-3, "warmupSteps": 5 } ] } ]
            }
            """);
        var output = new StringWriter();
        int code = await AlmCommandLine.InvokeAsync(["run", definition, "--run", run, "--plain"], new CommandEnvironment { Stages = StageTable.All, Output = output, Error = output });
        return code == 0 ? Path.Combine(run, "student") : throw new InvalidOperationException($"no student came of it: {output}");
    }
}
