using System.Text.Json;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Serving;

/// <summary>The tiny teacher's byte student after a few steps on its next bytes: enough for weights of its own, too few to write well.</summary>
internal static class ByteStudent
{
    /// <returns>Its folder, below the one given.</returns>
    public static async Task<string> MakeAsync(TemporaryFolder folder)
    {
        string model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
        string texts = folder.Write("student.jsonl", string.Concat(Enumerable.Range(1, 32).Select(i => JsonSerializer.Serialize(new { text = $"Tom has {i} apples and gives {i / 2} to Ann. How many are left?" }) + "\n")));
        string definition = folder.Write("student.json", JsonSerializer.Serialize(new
        {
            name = "student",
            seed = 17,
            teacher = new { model },
            student = new { model, tokenizer = "bytes", embeddings = "fvt" },
            flows = new[]
            {
                new
                {
                    name = "score",
                    stages = new object[]
                    {
                        new { stage = "read-jsonl", files = new[] { texts } },
                        new { stage = "tokenize" },
                        new { stage = "score-teacher", bytes = "trunk" },
                        new { stage = "write-shards", to = "shards", count = 1 },
                    },
                },
                new
                {
                    name = "distill",
                    stages = new object[]
                    {
                        new { stage = "read-shards", from = new[] { "run:shards" }, epochs = 0 },
                        new { stage = "batch", tokens = 512 },
                        new { stage = "update-student", to = "student", objectives = new { bytes = new { } }, steps = 4, learningRate = 5e-3 },
                    },
                },
            },
        }));
        AlmAnswer answer = await Alm.RunAsync(["run", definition, "--run", folder["student-run"]], stages: StageTable.All);
        Assert.True(answer.Code == 0, answer.Error + answer.Output);
        return Path.Combine(folder["student-run"], "student");
    }
}
