using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Models;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

/// <summary>A teacher of one family, size, tokenizer and template; a student of others; conversations; loss on the answers.</summary>
[Collection(TorchCollection.Name)]
public sealed class LargeToSmallTests : IDisposable
{
    private const string Headers =
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}";

    private const string Markup = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}";

    private const string Gemma2 = """
        {"model_type": "gemma2", "num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 20, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
         "vocab_size": 512, "rms_norm_eps": 1e-6, "sliding_window": 64, "query_pre_attn_scalar": 8, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
         "initializer_range": 0.2, "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 512}
        """;

    private readonly TinyRun _run = new(Headers);

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_smaller_student_of_another_family_learns_the_answers_of_conversations()
    {
        string small = ToyTokenizer.SentencePiece(_run["small"], 60, "<s>", "</s>", ["<s>", "</s>", "<|im_start|>", "<|im_end|>"], Markup);
        _run.SaveModel(small, Gemma2, seed: 4);
        RunDefinition definition = _run.Definition(null, model: small);
        TextDocument[] documents = [.. Enumerable.Range(0, 10).Select(i => new TextDocument(
            new DocumentId(3, i, 0), "", [new("user", $"What is {i} plus 4?"), new("assistant", $"The answer is {i + 4}."), new("user", "And now?"), new("assistant", "It is seven.")]))];
        await _run.WriteShardsAsync(definition, "shards", documents);

        Example example = ShardSet.Open(_run.Storage, _run["shards"], new Dictionary<string, string>()).Shards[0].ReadAll().First();
        Assert.Contains(false, example.Student.LossMask!);
        Assert.Contains(false, example.Teacher!.Tokens.LossMask!);
        string counted = string.Concat(example.Student.Ids.Where((_, i) => example.Student.Counts(i) && example.Student.Unit(i) == UnitLabels.Text)
            .Select(id => System.Text.Encoding.UTF8.GetString(TextTokenizer.Load(small, _run.Storage).ByteView(id))));
        Assert.Equal("The answer is 4.It is seven.", counted.Replace("  ", " ", StringComparison.Ordinal).TrimStart());

        await _run.TrainAsync(definition, "shards", new() { To = "student", Steps = 40, LearningRate = 1e-2, WarmupSteps = 4, Objectives = new() { Alm = new(), Sft = new() } });
        foreach (string loss in new[] { "loss/alm", "loss/sft" })
        {
            double[] values = [.. _run.Scalars.Where(s => s.Name == loss).Select(s => s.Value)];
            Assert.True(values[^4..].Average() < values[..4].Average(), $"{loss}: {values[0]} to {values[^1]}");
        }
        using CausalLm model = CausalLm.Load(_run["student"], _run.Storage, CPU, ScalarType.Float32);
        Assert.Equal(("gemma2", 16), (model.Config.Family.ModelType, model.Config.HiddenSize));
        Assert.Equal(TextTokenizer.Load(small, _run.Storage).Fingerprint, TextTokenizer.Load(_run["student"], _run.Storage).Fingerprint);
    }
}
