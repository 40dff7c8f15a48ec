using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Commands;

/// <summary>A byte-level student whose folder holds an input expansion: every command that computes it must add what the folder holds.</summary>
public sealed class ExpandedStudentTests : IDisposable
{
    private const string Text = "Anna has 12 apples and the train";
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly string _plain, _expanded;
    private readonly int[] _ids = [ByteModel.Bos, .. Encoding.UTF8.GetBytes(Text).Select(b => (int)b)];

    public ExpandedStudentTests()
    {
        _plain = ByteModel.Save(_folder["plain"], seed: 4);
        _expanded = ByteModel.Save(_folder["expanded"], seed: 4);
        SaveExpansion();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Logits_scores_and_generated_text_are_of_the_same_model()
    {
        float[][] expanded = await LogitsAsync(_expanded, _ids, null), plain = await LogitsAsync(_plain, _ids, null);
        Assert.True(expanded.Zip(plain).Max(rows => rows.First.Zip(rows.Second).Max(pair => Math.Abs(pair.First - pair.Second))) > 0.1);

        File.WriteAllText(_folder["in.jsonl"], JsonSerializer.Serialize(new { text = Text }) + "\n");
        AlmAnswer answer = await Alm.RunAsync(["score", "--model", _expanded, "--input", _folder["in.jsonl"], "--output", _folder["out.jsonl"]]);
        Assert.Equal(0, answer.Code);
        using JsonDocument line = JsonDocument.Parse(File.ReadAllLines(_folder["out.jsonl"]).Single());
        JsonElement likelihoods = line.RootElement.GetProperty("logLikelihoods");
        Assert.Equal(_ids, line.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        for (int t = 1; t < _ids.Length; t++)
            Assert.Equal(LogLikelihood(expanded[t - 1], _ids[t]), likelihoods[t].GetDouble(), 1e-4);

        AlmAnswer text = await Alm.RunAsync(["generate", "--model", _expanded, "--prompt", Text, "--max-tokens", "1"]);
        int next = Array.IndexOf(expanded[^1][..259], expanded[^1][..259].Max());
        // A byte above 127 is no whole character yet.
        Assert.Equal(next < 128 ? ((char)next).ToString() : "", text.Output[..^Environment.NewLine.Length].Trim('\uFFFD'));
    }

    [Fact]
    public async Task Padding_on_the_left_is_no_text_that_old_tokens_begin_in()
    {
        // 'A' as padding: were it read, "AAnna" would give other tokens than "Anna".
        int[] ids = _ids[1..], padded = [65, 65, 65, .. ids];
        float[][] alone = await LogitsAsync(_expanded, ids, null), behind = await LogitsAsync(_expanded, padded, 3);

        for (int t = 0; t < ids.Length; t++)
            Assert.All(alone[t].Zip(behind[t + 3]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public async Task Rows_above_the_tokenizer_are_no_text_either()
    {
        // The model has 271 rows, the tokenizer 259 tokens.
        float[][] logits = await LogitsAsync(_expanded, [65, 270, 66], null);

        Assert.All(logits, row => Assert.All(row, value => Assert.True(float.IsFinite(value))));
    }

    private void SaveExpansion()
    {
        using var scope = NewDisposeScope();
        TextTokenizer student = TextTokenizer.Load(_expanded, _storage), source = TextTokenizer.Load(Path.Combine(Repository.Root, "data", "models", "tiny-llama"), _storage);
        using var generator = new Generator(5);
        using var expansion = new ExpandedInput(student, source, randn([source.VocabularySize, 24], generator: generator));
        expansion.Save(_expanded, _storage, ScalarType.Float32);
    }

    private async Task<float[][]> LogitsAsync(string model, int[] ids, int? padding)
    {
        using (DisposeScope scope = NewDisposeScope())
        {
            Tensor Row(IEnumerable<long> values) => tensor(values.ToArray()).view(1, -1);
            List<TensorSource> tensors = [new("input_ids", ScalarType.Int64, Row(ids.Select(id => (long)id)))];
            if (padding is { } count)
            {
                tensors.Add(new("attention_mask", ScalarType.Int64, Row(ids.Select((_, t) => t < count ? 0L : 1))));
                tensors.Add(new("position_ids", ScalarType.Int64, Row(ids.Select((_, t) => Math.Max(0L, t - count)))));
            }
            SafetensorsWriter.Write(_folder["in.safetensors"], _storage, tensors);
        }
        AlmAnswer answer = await Alm.RunAsync(["logits", "--model", model, "--input", _folder["in.safetensors"], "--output", _folder["out.safetensors"]]);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        using DisposeScope all = NewDisposeScope();
        using SafetensorsFile found = SafetensorsFile.Open(_folder["out.safetensors"], _storage);
        return [.. Enumerable.Range(0, ids.Length).Select(t => found.View("logits")[0, t].data<float>().ToArray())];
    }

    // Rows no token has get no probability.
    private static double LogLikelihood(float[] logits, int id)
    {
        double largest = logits.Take(259).Max();
        return logits[id] - largest - Math.Log(logits.Take(259).Sum(z => Math.Exp(z - largest)));
    }
}
