using System.Text;
using System.Text.Json;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tests.Objectives;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Embeddings;

public sealed class FvtTransferTests(ITestOutputHelper output) : TorchTest
{
    [Theory]
    [InlineData("fvt_gemma2_to_qwen2_tied")]
    [InlineData("fvt_llama3_to_gemma2_tied")]
    [InlineData("fvt_qwen2_to_llama3_untied")]
    public void Rows_are_the_references_by_the_same_rule(string folder)
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json($"vocab/{folder}/fvt.json");
        SafetensorsReader tensors = GoldenFolder.Tensors($"vocab/{folder}/fvt.safetensors");
        var source = new GoldenTokenizer(GoldenFolder.Json($"vocab/{folder}/source.tokenizer.json"));
        var target = new GoldenTokenizer(GoldenFolder.Json($"vocab/{folder}/target.tokenizer.json"));
        var roles = new Dictionary<int, int>();
        foreach (JsonElement row in golden.GetProperty("rows").EnumerateArray().Where(r => r.GetProperty("how").GetString() == "special_copy"))
            roles[row.GetProperty("target_id").GetInt32()] = row.GetProperty("source_ids")[0].GetInt32();

        Tensor embeddings = tensor(tensors.Floats("source_embeddings")).reshape(tensors.Shape("source_embeddings"));
        long rows = tensors.Shape("target_embeddings")[0], matrices = tensors.Shape("target_embeddings")[1], width = tensors.Shape("target_embeddings")[2];
        TransferPlan plan = FvtTransfer.Plan(
            source.Vocabulary, (int)embeddings.size(0), target.Vocabulary, (int)rows, roles, source.Tokenize);
        float[] expected = tensors.Floats("target_embeddings");
        bool[] random = tensors.Bools("random_row_mask");
        int compared = 0;
        for (long matrix = 0; matrix < matrices; matrix++)
        {
            float[] actual = EmbeddingTransfer.Apply(embeddings.select(1, matrix), plan, seed: 1).data<float>().ToArray();
            for (long row = 0; row < rows; row++)
            {
                if (random[row])
                    continue;
                compared++;
                for (long h = 0; h < width; h++)
                {
                    float e = expected[(row * matrices + matrix) * width + h];
                    Assert.True(Math.Abs(e - actual[row * width + h]) <= 1e-6, $"row {row} ({golden.GetProperty("rows")[(int)row]}) is {actual[row * width + h]}, expected {e}");
                }
            }
        }
        output.WriteLine($"{compared} rows compared");
        Assert.True(compared > 300);
    }

    [Fact]
    public void Copies_means_roles_and_draws_each_have_their_rows()
    {
        VocabularyBytes source = Make("a", "b", "ab", " c", "<s>!", "</s>!"), target = Make("ab", "aab", "<bos>!", "zz", "b", "</s>!");
        List<int> Decompose(ReadOnlySpan<byte> bytes)
        {
            var ids = new List<int>();
            foreach (byte b in bytes)
            {
                if (source.TextId([b]) is { } id)
                    ids.Add(id);
            }
            return ids;
        }
        TransferPlan plan = FvtTransfer.Plan(source, 6, target, 8, new Dictionary<int, int> { [2] = 4 }, Decompose);
        Assert.Equal([0, 2, 4, 5], plan.CopyTarget);
        Assert.Equal([2, 4, 1, 5], plan.CopySource);
        Assert.Equal([1], plan.MeanTarget);
        Assert.Equal([0, 0, 1], plan.PieceSource);
        Assert.Equal([3, 6, 7], plan.RandomTarget);

        Tensor old = rand(6, 3);
        Tensor first = EmbeddingTransfer.Apply(old, plan, 7), again = EmbeddingTransfer.Apply(old, plan, 7), other = EmbeddingTransfer.Apply(old, plan, 8);
        Assert.Equal(first.data<float>().ToArray(), again.data<float>().ToArray());
        Assert.NotEqual(first.data<float>().ToArray(), other.data<float>().ToArray());
        Tensor mean = (old[0] * 2 + old[1]) / 3;
        Assert.True((first[1] - mean).abs().max().item<float>() < 1e-6);
        Assert.Equal(old[4].data<float>().ToArray(), first[2].data<float>().ToArray());
    }

    [Fact]
    public void Draws_have_the_mean_and_spread_of_the_old_rows()
    {
        Tensor old = randn(2000, 4) * tensor(new float[] { 1, 2, 3, 4 }) + tensor(new float[] { 0, 10, -10, 5 });
        Tensor drawn = EmbeddingTransfer.Apply(old, 5000, new Dictionary<int, int> { [3] = 9 }, EmbeddingStart.Random, 3);
        Assert.True((drawn.mean([0]) - old.mean([0])).abs().max().item<float>() < 0.3);
        Assert.True((drawn.std([0]) / old.std([0]) - 1).abs().max().item<float>() < 0.1);
        Assert.Equal(old[9].data<float>().ToArray(), drawn[3].data<float>().ToArray());
        Tensor means = EmbeddingTransfer.Apply(old, 10, new Dictionary<int, int>(), EmbeddingStart.Mean, 3);
        Assert.True((means - old.mean([0])).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Bfloat16_stays_bfloat16()
    {
        Tensor old = rand(6, 4).to_type(ScalarType.BFloat16);
        var plan = new TransferPlan(3, 6, [0], [5], [1], [0, 0], [1, 2], [2]);
        Tensor moved = EmbeddingTransfer.Apply(old, plan, 1);
        Assert.Equal(ScalarType.BFloat16, moved.dtype);
        Assert.True((moved[0].to_type(ScalarType.Float32) - old[5].to_type(ScalarType.Float32)).abs().max().item<float>() == 0);
    }

    // A name with an exclamation mark at its end is a mark.
    internal static VocabularyBytes Make(params string[] tokens) => VocabularyBytes.Create(
        tokens.Length, id => Encoding.UTF8.GetBytes(tokens[id].TrimEnd('!')), id => tokens[id].EndsWith('!') ? TokenClass.Mark : TokenClass.Text);
}
