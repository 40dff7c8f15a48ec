using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.HypernetworkTraining;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Hypernetworks;

/// <summary>What must hold of every hypernetwork, on the repository's own tiny model.</summary>
[Collection(TorchCollection.Name)]
public sealed class HypernetworkTests : TorchTest
{
    private static readonly string Folder = Find();

    private readonly TextTokenizer _source = TextTokenizer.Load(Folder, new DiskStorage());
    private readonly Tensor _source_VMD = randn(1024, 1, 128, dtype: ScalarType.Float32) * 0.3 + 0.05;

    private static readonly string[] Texts =
    [
        "Tom has 3 apples and buys 4 more. How many apples does he have?", "The quick brown fox — naïve café — 12345 😀.", "She sells sea shells by the sea shore; the shells she sells are sea shells.",
        "A farmer sold 20 eggs on Monday and twice as many on Tuesday.",
    ];

    [Fact]
    public void Forms_of_the_sources_own_vocabulary_are_single_ids()
    {
        SurfaceForms forms = Forms(_source);
        int text = 0, single = 0;
        for (int id = 0; id < forms.Rows; id++)
        {
            if (forms.Empty.Contains(id)) continue;
            text++;
            if (forms[id][0] == id && forms[id][1] == SurfaceFormBuilder.NoPad) single++;
        }
        Assert.True(single >= 0.99 * text, $"{single} of {text}");
    }

    [Fact]
    public void Before_training_predictions_are_the_means_of_fvt()
    {
        TextTokenizer target = Sampler(3).At(1).Tokenizer;
        SurfaceForms forms = Forms(target);
        using IHypernetwork network = HypernetworkFactory.Create(new NetworkOptions { Layers = 1 }, _source_VMD, 5);
        Tensor predicted = HypernetworkTransfer.Predict(network, _source_VMD, forms).select(1, 0);
        Tensor fvt = VocabularyTransfer.Apply(_source_VMD.select(1, 0), _source, target, Pipeline.Contracts.Definitions.EmbeddingInitialisation.Fvt, 1);
        int compared = 0;
        for (int row = 0; row < forms.Rows; row++)
        {
            // Where bytes are not UTF-8, or a form is cut, fvt sees other pieces.
            if (!System.Text.Unicode.Utf8.IsValid(target.ByteView(row)) || forms[row][^1] != SurfaceFormBuilder.NoPad) continue;
            Assert.True((predicted[row] - fvt[row]).abs().max().item<float>() < 2e-6, target.TokenOf(row));
            compared++;
        }
        Assert.True(compared > 200);
    }

    [Fact]
    public void Identity_rescalers_give_fvt_bit_by_bit()
    {
        var weights = new NetworkWeights(Plain(HypernetworkFactory.Create(new NetworkOptions { Layers = 1 }, _source_VMD, 5)), CPU);
        using var network = new ResidualNetwork(new ResidualNetworkShape(4, 1, 1e-12, FormPooling.Mean, 1, FormPooling.First, Attention: true), weights);
        TextTokenizer target = Sampler(3).At(1).Tokenizer;
        SurfaceForms forms = Forms(target);
        Tensor predicted = HypernetworkTransfer.Predict(network, _source_VMD, forms).select(1, 0);
        for (int row = 0; row < forms.Rows; row++)
        {
            long[] pieces = [.. forms[row].ToArray().Where(id => id >= 0 && id < 1024)];
            if (pieces.Length == 0 || forms[row].ToArray().Any(id => id >= 1024)) continue;
            Tensor sum = _source_VMD[pieces[0], 0].clone();
            foreach (long piece in pieces.Skip(1)) sum += _source_VMD[piece, 0];
            Assert.True((predicted[row] - sum / pieces.Length).abs().max().item<float>() == 0, target.TokenOf(row));
        }
    }

    [Fact]
    public void Predictions_do_not_depend_on_padding_company_or_order()
    {
        using IHypernetwork network = Trained(new NetworkOptions { MaxPieces = 12 });
        TextTokenizer target = Sampler(4).At(2).Tokenizer;
        int[] rows = [.. Enumerable.Range(0, target.VocabularySize).Where(id => target.ByteView(id).Length is > 0 and <= 8)];
        Tensor Predict(int[] which, int length)
        {
            SurfaceForms forms = SurfaceFormBuilder.Of(_source, 1024).Build(VocabularyTransfer.BytesOf(target), which, new Dictionary<int, int>(), length);
            return HypernetworkTransfer.Predict(network, _source_VMD, forms);
        }
        Tensor all = Predict(rows, 12);
        Assert.True((all - Predict(rows, 8)).abs().max().item<float>() < 1e-5);
        Assert.True((all.narrow(0, 7, 1) - Predict([rows[7]], 12)).abs().max().item<float>() < 1e-5);
        Assert.True((all.flip(0) - Predict([.. rows.Reverse()], 12)).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void The_same_seed_and_step_draw_the_same_tokenizers()
    {
        var options = new SamplingOptions { Bpe = 0.4, Bytes = 0.1, Source = 0.1, History = 2, Documents = 3 };
        TokenizerSampler one = Sampler(9, options), other = Sampler(9, options);
        var kinds = new HashSet<SampledKind>();
        // Backwards too: a run that goes on has drawn nothing before.
        string[] first = [.. Enumerable.Range(0, 12).Select(s => one.At(s).Tokenizer.Fingerprint)];
        string[] again = [.. Enumerable.Range(0, 12).Reverse().Select(s => { SampledTokenizer t = other.At(s); kinds.Add(t.Kind); return t.Tokenizer.Fingerprint; }).Reverse()];
        Assert.Equal(first, again);
        Assert.True(kinds.Count >= 3);
        Assert.NotEqual(first, [.. Enumerable.Range(0, 12).Select(s => Sampler(10, options).At(s).Tokenizer.Fingerprint)]);
    }

    [Fact]
    public void Sampled_tokenizers_cut_every_text_on_its_bytes()
    {
        TokenizerSampler sampler = Sampler(2);
        for (int step = 0; step < 8; step++)
        {
            TextEncoder encoder = sampler.At(step).Tokenizer.CreateEncoder();
            foreach (string text in Texts)
                Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(text), encoder.EncodeDocument(text, true, false).ByteEnds[^1]);
        }
    }

    [Theory]
    [InlineData(nameof(NetworkArchitecture.Residual), 1)]
    [InlineData(nameof(NetworkArchitecture.Residual), 2)]
    [InlineData(nameof(NetworkArchitecture.Zett), 1)]
    [InlineData(nameof(NetworkArchitecture.Zett), 2)]
    public void A_folder_gives_the_network_back(string architectureName, int matrices)
    {
        NetworkArchitecture architecture = Enum.Parse<NetworkArchitecture>(architectureName);
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Tensor source = randn(40, matrices, 16);
            using IHypernetwork network = HypernetworkFactory.Create(new NetworkOptions { Architecture = architecture, HiddenSize = 16, Layers = 2, MaxPieces = 3 }, source, 3);
            var manifest = new HypernetworkManifest(
                HypernetworkManifest.FormatName, HypernetworkManifest.CurrentVersion, (network as ResidualNetwork)?.Shape, (network as ZettNetwork)?.Shape, new string('a', 64), 40, matrices, 16, "m", 1);
            HypernetworkFolder.Write(new DiskStorage(), folder, network, manifest);
            (IHypernetwork read, HypernetworkManifest said) = HypernetworkFolder.Load(new DiskStorage(), folder, CPU);
            using (read)
            {
                Tensor forms = tensor(new long[] { 1, -1, -1, 2, 41, -1, 5, 6, 7 }, [3, 3]);
                Assert.Equal(network.Predict(source, forms).data<float>().ToArray(), read.Predict(source, forms).data<float>().ToArray());
                Assert.Equal(manifest, said);
            }
            Assert.Equal(architecture == NetworkArchitecture.Zett ? "zett" : "residual", HypernetworkFacts.Read(new DiskStorage(), folder).Architecture);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Rows_that_do_not_occur_get_gradient_from_the_softmax_alone()
    {
        string config = TinyRun.Llama.Replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", StringComparison.Ordinal);
        using CausalLm model = CausalLm.Create(ModelConfig.Parse(config, "config.json"), 3, CPU, ScalarType.Float32);
        var options = new TrainHypernetworkOptions { To = "x", From = [], Steps = 1, Alm = null, Sft = new() };
        using IHypernetwork network = HypernetworkFactory.Create(new NetworkOptions { HiddenSize = 32, Layers = 1 }, HypernetworkTransfer.Source(model), 5);
        using var trainer = new HypernetworkTrainer(options, model, network, 1);
        Tensor predicted = randn(10, 2, 32).requires_grad_(true);
        int[] ids = [1, 2, 3];
        Example[] examples = [new(new DocumentId(1, 0, 0), "ab", new TokenSequence(ids, [0, 1, 2]), null, [])];
        BatchTables tables = BatchTables.From(examples, 3, options.Objectives);
        BatchTensors tensors = BatchTensors.Of([ids], CPU);
        using AttentionContext attention = model.CreateAttention(1, 3, lengths: tensors.Lengths);
        new SftObjective(options.Sft!).Compute(trainer.Forward(predicted, zeros(10, dtype: ScalarType.Bool), tensors, attention, tables)).Mean().backward();
        float[] input = [.. Enumerable.Range(0, 10).Select(r => predicted.grad![r, 0].abs().max().item<float>())], output = [.. Enumerable.Range(0, 10).Select(r => predicted.grad![r, 1].abs().max().item<float>())];
        Assert.All(Enumerable.Range(0, 10), r => Assert.Equal(r is 1 or 2, input[r] > 0));
        Assert.All(output, g => Assert.True(g > 0));
    }

    private SurfaceForms Forms(TextTokenizer target)
        => SurfaceFormBuilder.Of(_source, 1024).Build(VocabularyTransfer.BytesOf(target), VocabularyTransfer.Roles(_source, target), 8);

    private TokenizerSampler Sampler(int seed, SamplingOptions? options = null)
        => new(options ?? new SamplingOptions { Documents = 4, Source = 0, Bytes = 0, Bpe = 0, MinSize = 420, MaxSize = 600 }, seed, _source, [], Texts);

    /// <summary>A network whose last layer is not zero any more.</summary>
    private IHypernetwork Trained(NetworkOptions options)
    {
        IHypernetwork network = HypernetworkFactory.Create(options, _source_VMD, 5);
        using var quiet = no_grad();
        foreach ((_, Parameter weight) in network.Parameters.Where(p => p.Name.StartsWith("output_linear", StringComparison.Ordinal)))
            weight.normal_(0, 0.1);
        return network;
    }

    private static List<(string, Tensor)> Plain(IHypernetwork network)
        => [.. network.Parameters.Select(p => (p.Name, p.Name switch
        {
            "in_rescaler.w" or "out_rescaler.w" => ones_like(p.Tensor),
            "in_rescaler.b" or "out_rescaler.b" => zeros_like(p.Tensor),
            _ => (Tensor)p.Tensor,
        }))];

    private static string Find()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Alm.sln"))) at = at.Parent!;
        return Path.Combine(at.FullName, "data", "models", "tiny-llama");
    }
}
