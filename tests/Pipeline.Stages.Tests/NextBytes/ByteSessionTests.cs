using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>A text that grows byte by byte under a model has the distributions of <c>golden/exact</c>, wherever it began to grow.</summary>
public sealed class ByteSessionTests(ITestOutputHelper output) : TorchTest
{
    private static readonly TorchDevice Device = TorchDevice.Create(DeviceChoice.Cpu, 1);

    [Fact]
    public void Byte_by_byte_the_distributions_are_the_references()
    {
        if (SharedFolder.Below(Path.Combine("golden", "exact"), output) is not { } root)
            return;
        int texts = 0;
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
                double worst = Worst(view, tokenizer, bytes, from, expected, out int contexts);
                output.WriteLine($"{golden.Name} from byte {from} of {bytes.Length}: {contexts} contexts, p off by {worst:g3}");
                Assert.True(worst <= 1e-4, $"{golden.Name} from byte {from}: p off by {worst:g3}");
            }
            texts++;
        }
        Assert.NotEqual(0, texts);
    }

    private static double Worst(NextByteModel view, TextTokenizer tokenizer, byte[] bytes, int from, double[] expected, out int contexts)
    {
        ByteText prompt = ByteText.Of(Encoding.UTF8.GetString(bytes, 0, from), tokenizer.CreateEncoder(), view.Vocabulary, tokenizer.BosId, hasEnd: false);
        using var session = new ByteSession(view, prompt);
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
        contexts = session.Contexts;
        return worst;
    }
}
