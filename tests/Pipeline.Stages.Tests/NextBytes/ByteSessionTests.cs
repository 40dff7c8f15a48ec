using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>Texts that grow byte by byte under a model have the distributions in <c>golden/exact</c>, from whichever byte they begin to grow.</summary>
public sealed class ByteSessionTests(ITestOutputHelper output) : TorchTest
{
    private static readonly TorchDevice Device = TorchDevice.Create(DeviceChoice.Cpu, 1);

    [Fact]
    public void Byte_by_byte_the_distributions_are_the_references()
    {
        if (SharedFolder.Below(Path.Combine("golden", "exact"), output) is not { } root)
            return;
        int texts = 0, saved = 0;
        foreach (string path in ExactGolden.Files(root))
        {
            using var golden = new ExactGolden(path);
            TextTokenizer tokenizer = TextTokenizer.Load(golden.ModelFolder, new DiskStorage());
            var vocabulary = new ByteVocabulary(tokenizer, golden.Ends.ToHashSet(), tokenizer.VocabularySize);
            using LanguageModel model = LanguageModel.Load(golden.ModelFolder, tokenizer, new DiskStorage(), Device);
            using var view = new NextByteModel(model.Model, vocabulary);
            byte[] bytes = Encoding.UTF8.GetBytes(golden.Text);
            double[] expected = [.. golden.LogP().Select(Math.Exp)];
            foreach (int share in (int[])[0, 2, 3])
            {
                int from = share == 0 ? 0 : bytes.Length * (share - 1) / share;
                while (from < bytes.Length && (bytes[from] & 0xC0) == 0x80)
                    from++;
                ByteText prompt = ByteText.Of(Encoding.UTF8.GetString(bytes, 0, from), tokenizer.CreateEncoder(), vocabulary, tokenizer.BosId, hasEnd: false);
                using var session = new ByteSession(view, prompt);
                double worst = Worst(session, bytes, from, expected);
                output.WriteLine($"{golden.Name} from byte {from} of {bytes.Length}: {session.Contexts} contexts, p off by {worst:g3}");
                Assert.True(worst <= 1e-4, $"{golden.Name} from byte {from}: p off by {worst:g3}");

                // The same again from the keys that this session leaves behind, as far as its tokens are those of the prompt.
                int contexts = session.Contexts;
                (int[] ids, KeyValueCache keys) = session.Take();
                using (keys)
                {
                    int common = ids.AsSpan().CommonPrefixLength([.. prompt.Mark is { } mark ? [mark] : Array.Empty<int>(), .. prompt.Ids]);
                    using var again = new ByteSession(view, prompt, known: keys.First(common));
                    worst = Worst(again, bytes, from, expected);
                    output.WriteLine($"  behind {common} tokens: {again.Contexts} contexts, p off by {worst:g3}");
                    Assert.True(worst <= 1e-4, $"{golden.Name} from byte {from} behind {common} tokens: p off by {worst:g3}");
                    saved += contexts - again.Contexts;
                }
            }
            texts++;
        }
        Assert.NotEqual(0, texts);
        Assert.True(saved > 0, "known keys saved nothing");
    }

    private static double Worst(ByteSession session, byte[] bytes, int from, double[] expected)
    {
        double[] row = new double[ByteVocabulary.Symbols];
        double worst = 0;
        int ahead = expected.Length / row.Length - 1 - bytes.Length;
        for (int k = from; ; k++)
        {
            session.Row(row);
            for (int x = 0; x < row.Length; x++)
                worst = Math.Max(worst, Math.Abs(row[x] - expected[((k + ahead) * row.Length) + x]));
            if (k == bytes.Length)
                break;
            session.Push(bytes[k]);
        }
        return worst;
    }
}
