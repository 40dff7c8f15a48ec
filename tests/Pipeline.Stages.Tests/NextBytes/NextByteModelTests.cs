using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tests.Models;
using Pipeline.Stages.Tests.Objectives;

namespace Pipeline.Stages.Tests.NextBytes;

public sealed class NextByteModelTests : TorchTest
{
    // The rows have different lengths, for which some families of models choose different rotary frequencies.
    [Theory]
    [InlineData("phi3")]
    [InlineData("phi3 partial tied")]
    [InlineData("llama dynamic")]
    [InlineData("gemma2")]
    [InlineData("llama")]
    public void Texts_in_a_batch_have_the_laws_they_have_alone(string name)
    {
        using CausalLm model = TinyModels.Create(name);
        var toy = new ToyBpe(11);
        using var view = new NextByteModel(model, toy.Vocabulary);
        ByteText[] texts = [.. Enumerable.Range(0, 6).Select(i => ByteText.Of(toy.Text(new Random(i), 4 + (5 * i)), toy.Tokenizer.CreateEncoder(), toy.Vocabulary, toy.Begin))];
        Assert.True(texts.Max(t => t.Ids.Length) > 8 && texts.Min(t => t.Ids.Length) < 5);
        IReadOnlyList<ScoredBytes> together = view.Score(texts, BytesView.Trunk);
        double[] a = new double[ByteVocabulary.Symbols], b = new double[ByteVocabulary.Symbols];
        for (int i = 0; i < texts.Length; i++)
        {
            ScoredBytes alone = view.Score([texts[i]], BytesView.Trunk)[0];
            for (int k = 0; k < texts[i].Rows.Length; k++)
            {
                together[i].Row(k, a);
                alone.Row(k, b);
                for (int x = 0; x < a.Length; x++)
                    Assert.Equal(b[x], a[x], 1e-5);
            }
        }
    }
}
