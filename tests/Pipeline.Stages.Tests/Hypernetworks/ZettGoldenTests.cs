using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.HypernetworkTraining;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Writing;
using TorchSharp.Modules;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Hypernetworks;

/// <summary>Reference numbers of tokenkit, ZeTT and mergekit. Cases are whatever lies in the folders of <c>golden/zett</c>.</summary>
[Collection(TorchCollection.Name)]
public sealed class ZettGoldenTests(ITestOutputHelper output) : TorchTest
{
    private const string None = "(none: no shared folder)";

    public static TheoryData<string> Surface => Cases("surface");

    public static TheoryData<string> Residual => Cases("hypernet", "tk_");

    public static TheoryData<string> Zett => Cases("hypernet", "zett_");

    public static TheoryData<string> Steps => [.. (ZettCase.Below("step") is { } path ? Directory.GetDirectories(path).Order(StringComparer.Ordinal).Select(p => Path.GetFileName(p)!) : []).DefaultIfEmpty(None)];

    public static TheoryData<string> Sampler => Cases("sampler");

    public static TheoryData<string> Omp => Cases("omp");

    private static TheoryData<string> Cases(string folder, string prefix = "") => [.. ZettCase.Files(folder, prefix).DefaultIfEmpty(None)];

    private bool Absent(string name)
    {
        if (name == None)
            output.WriteLine("skipped: no reference numbers");
        return name == None;
    }

    [Theory, MemberData(nameof(Surface))]
    public void Surface_forms_are_the_specified_ones(string name)
    {
        if (Absent(name)) return;
        using ZettCase golden = ZettCase.Open("surface", name);
        JsonElement json = golden.Json;
        TextTokenizer Load(string side) => TextTokenizer.Load(Path.Combine(SharedFolder.Path!, json.GetProperty(side).GetString()!), new DiskStorage());
        TextTokenizer source = Load("source"), target = Load("target");
        var specials = json.GetProperty("source_special_tokens").EnumerateArray().Select(t => t.GetString()!).ToDictionary(t => t, t => source.IdOf(t)!.Value);
        int length = json.GetProperty("maxlen").GetInt32(), pad = json.GetProperty("pad_token_id").GetInt32(), padding = json.GetProperty("padding_rows").GetInt32();
        VocabularyBytes bytes = VocabularyTransfer.BytesOf(target);
        int[] ids = [.. golden["target_ids"].data<long>().ToArray().Select(id => (int)id), .. Enumerable.Repeat(target.VocabularySize, padding)];

        SurfaceForms forms = new SurfaceFormBuilder(source, specials, json.GetProperty("n_vocab").GetInt32()).Build(bytes, ids, new Dictionary<int, int>(), length, pad);

        long[] expected = golden["surface_forms"].data<long>().ToArray();
        var wrong = new List<string>();
        for (int row = 0; row < ids.Length; row++)
        {
            if (!forms[row].SequenceEqual(expected.AsSpan(row * length, length)))
                wrong.Add($"row {row}, '{target.TokenOf(ids[row])}': {string.Join(' ', forms[row].ToArray())}, expected {string.Join(' ', expected[(row * length)..((row + 1) * length)])}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {ids.Length} rows differ:\n{string.Join('\n', wrong.Take(8))}");
        Assert.Equal(json.GetProperty("n_truncated").GetInt32(), forms.Truncated);
        output.WriteLine($"{forms.Rows} forms, {forms.Truncated} cut, {forms.ExtraPieces} bytes without a token");
    }

    [Theory, MemberData(nameof(Residual))]
    public void Residual_network_gives_the_references_numbers_and_gradients(string name)
    {
        if (Absent(name)) return;
        using ZettCase golden = ZettCase.Open("hypernet", name);
        foreach (bool wide in new[] { true, false })
        {
            ScalarType type = wide ? ScalarType.Float64 : ScalarType.Float32;
            using var network = ResidualOf(golden, type);
            Tensor source = golden.Get("source_embeddings", type), forms = golden["surface_forms"];
            Tensor predicted = Overwritten(network.Predict(source, forms), source, golden, forms);
            Compare(golden, network, predicted, (predicted * golden.Get("probe", type)).mean() + 0.5 * predicted.square().mean(), wide,
                n => n == ResidualNetwork.Extra ? "g_extra" : $"g.{n}");
            double lexical = LexicalLoss.Of(predicted, source, forms, network.Pad).to_type(ScalarType.Float64).item<double>();
            // The reference has a float32 number in between.
            Assert.Equal(1, lexical / golden.Json.GetProperty("lexical_loss_f64").Number(), 1e-5);
        }
        Tensor rows = golden.Get("source_embeddings", ScalarType.Float64), zero = zeros_like(rows[0]).unsqueeze(0);
        long width = rows.size(2);
        (Tensor W, Tensor B) into = ChannelScale.To(rows, full_like(zero, Math.Sqrt(2.0 / width)), zero);
        (Tensor W, Tensor B) outOf = ChannelScale.ToRows(golden.Get("pred.f64", ScalarType.Float64), rows);
        foreach ((string tensor, Tensor actual) in new[] { ("in_w", into.W), ("in_b", into.B), ("out_w", outOf.W), ("out_b", outOf.B) })
            Assert.True(golden.Distance($"rescale.{tensor}.f64", actual) < 1e-11, tensor);
    }

    [Theory, MemberData(nameof(Zett))]
    public void Zett_network_gives_the_references_numbers_and_gradients(string name)
    {
        if (Absent(name)) return;
        using ZettCase golden = ZettCase.Open("hypernet", name);
        JsonElement config = golden.Json.GetProperty("config");
        bool untied = config.GetProperty("separate_out_embeddings").GetBoolean(), bias = config.GetProperty("hn_predict_bias").GetBoolean();
        int width = config.GetProperty("n_embd").GetInt32();
        foreach (bool wide in new[] { true, false })
        {
            ScalarType type = wide ? ScalarType.Float64 : ScalarType.Float32;
            Tensor forms = golden["surface_forms"];
            var shape = new ZettNetworkShape(
                config.GetProperty("hn_num_attention_heads").GetInt32(), config.GetProperty("hn_n_layers").GetInt32(), width, untied ? 2 : 1,
                (int)forms.size(1), config.GetProperty("pad_token_id").GetInt32(), config.GetProperty("hn_single_head").GetBoolean(),
                config.GetProperty("hn_concat_last_hidden_state").GetBoolean(),
                golden.Json.GetProperty("lang_index").ValueKind == JsonValueKind.Null ? null : golden.Json.GetProperty("lang_index").GetInt32());
            var weights = new NetworkWeights(Weights(golden, type), CPU);
            weights.Train(n => golden.Has($"g.{n}.f64"));
            using var network = new ZettNetwork(shape, weights);
            Tensor source = golden.Get("source_embeddings", type).view(-1, untied ? 2 : 1, width);
            (Tensor predicted, Tensor? predictedBias) = network.PredictWithBias(source, forms);
            Assert.Equal(bias, predictedBias is not null);
            string precision = wide ? "f64" : "f32";
            double limit = wide ? 1e-12 : 5e-6;
            Assert.True(golden.Distance("pred_in.f64", predicted.select(1, 0)) < limit);
            if (untied) Assert.True(golden.Distance("pred_out.f64", predicted.select(1, 1)) < limit);
            if (bias) Assert.True(golden.Distance("pred_bias.f64", predictedBias!) < limit);
            Tensor flat = predicted.view(forms.size(0), -1);
            Tensor loss = (flat * golden.Get("probe", type)).mean() + 0.5 * flat.square().mean();
            if (predictedBias is not null) loss += (predictedBias * golden.Get("probe_bias", type)).mean();
            Gradients(golden, network, loss, wide, n => $"g.{n}");
            output.WriteLine($"{precision}: loss {loss.to_type(ScalarType.Float64).item<double>():R}");
        }
    }

    [Theory, MemberData(nameof(Omp))]
    public void Matching_pursuit_chooses_and_fits_as_the_reference(string name)
    {
        if (Absent(name)) return;
        using ZettCase golden = ZettCase.Open("omp", name);
        int k = golden.Json.GetProperty("k").GetInt32();
        Tensor model = golden.Get("model_shared", ScalarType.Float64), shared = golden["donor_shared"];
        OmpTransfer.Terms terms = OmpTransfer.Choose(shared, golden["donor_new"], k);
        Tensor clear = golden["selection_margin"].gt(1e-6), chosen = terms.Indices_Bk;
        Assert.True(chosen.eq(golden["indices.f64"]).logical_or(clear.logical_not()).all().item<bool>(), "another choice where the margin is clear");
        Assert.True(golden.Distance("embeddings.f64", OmpTransfer.Combine(model, terms)) < 1e-9);
        if (chosen.eq(golden["indices.f64"]).all().item<bool>())
            Assert.True(golden.Distance("coefficients.f64", terms.Coefficients_Bk) < 1e-9);
        double single = name.Contains("full_rank", StringComparison.Ordinal) ? 1e-4 : 1e-5;
        Assert.True(golden.Distance("embeddings.f64", OmpTransfer.Combine(golden["model_shared"], terms)) < single);
    }

    [Theory, MemberData(nameof(Sampler))]
    public void Sampled_vocabularies_have_the_specified_scores_and_pieces(string name)
    {
        if (Absent(name)) return;
        JsonElement json = ZettCase.Open("sampler", name).Json;
        int most = json.GetProperty("max_length").GetInt32() - 1, stride = json.GetProperty("stride").GetInt32();
        var scores = new Dictionary<string, long>(StringComparer.Ordinal);
        // The queue holds as many batches as filled it.
        foreach (JsonElement batch in json.GetProperty("batches").EnumerateArray().TakeLast(json.GetProperty("n_populate").GetInt32()))
            SubstringCounts.Add(SubstringCounts.Of(batch.EnumerateArray().Select(t => t.GetString()!), most, stride), scores);
        JsonElement specified = json.GetProperty("specified");
        Dictionary<string, long> expected = specified.GetProperty("scores").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt64());
        Assert.Equal(expected.OrderBy(p => p.Key, StringComparer.Ordinal), scores.OrderBy(p => p.Key, StringComparer.Ordinal));

        foreach (JsonElement seed in specified.GetProperty("seeds").EnumerateArray())
        {
            int size = seed.GetProperty("size").GetInt32(), picked = seed.GetProperty("n_picked").GetInt32();
            JsonElement noise = seed.GetProperty("noise");
            double Noise(string piece) => noise.TryGetProperty(piece, out JsonElement value) ? value.GetDouble() : 0;
            List<(string Piece, float Score)> vocabulary = SampledVocabulary.Of(scores, size, most, Noise);
            Assert.Equal(seed.GetProperty("n_fixed").GetInt32() + picked, vocabulary.Count);
            Assert.Equal((float)seed.GetProperty("min_log_prob").GetDouble(), vocabulary[0].Score);
            Dictionary<string, double> above = seed.GetProperty("above_cut").EnumerateArray().ToDictionary(p => p[0].GetString()!, p => p[1].GetDouble());
            string[] tied = [.. seed.GetProperty("tied_at_cut").EnumerateArray().Select(t => t.GetString()!).Order(StringComparer.Ordinal).Take(seed.GetProperty("tied_picked").GetInt32())];
            (string Piece, double LogProbability)[] taken = [.. SampledVocabulary.Candidates(scores, scores.Values.Sum(), Noise).Take(picked)];
            Assert.Equal(above.Keys.Concat(tied).Order(StringComparer.Ordinal), taken.Select(t => t.Piece).Order(StringComparer.Ordinal));
            Assert.All(taken.Where(t => above.ContainsKey(t.Piece)), t => Assert.Equal(1, t.LogProbability / above[t.Piece], 1e-12));
        }
        Segmentations(json);
    }

    private static void Segmentations(JsonElement json)
    {
        (string, float)[] pieces = [.. json.GetProperty("unigram_vocab").EnumerateArray().Select(p => (p[0].GetString()!, (float)p[1].GetDouble()))];
        TextTokenizer tokenizer = TextTokenizer.FromJson("sampled", UnigramWriter.Write(pieces, [], null, json.GetProperty("split_regex_tokenize").GetString()!), []);
        TextEncoder encoder = tokenizer.CreateEncoder();
        foreach (JsonElement text in json.GetProperty("tokenized").EnumerateArray())
        {
            var ids = new List<int>();
            encoder.Encode(text.GetProperty("text").GetString()!, false, ids);
            Assert.Equal(Flat(text.GetProperty("pieces")), ids.Select(id => tokenizer.TokenOf(id)!));
        }
    }

    private static IEnumerable<string> Flat(JsonElement pieces)
        => pieces.EnumerateArray().SelectMany(p => p.ValueKind == JsonValueKind.Array ? p.EnumerateArray().Select(q => q.GetString()!) : [p.GetString()!]);

    [Theory, MemberData(nameof(Steps))]
    public void One_step_has_the_references_losses_and_gradients(string name)
    {
        if (Absent(name)) return;
        string folder = ZettCase.Below(Path.Combine("step", name))!;
        using var weights = new ZettCase(Path.Combine(folder, "step.json"), Path.Combine(folder, "hypernet.safetensors"));
        using var expected = new ZettCase(Path.Combine(folder, "step.json"), Path.Combine(folder, "expected.safetensors"));
        using CausalLm model = CausalLm.Load(folder, new DiskStorage(), CPU, ScalarType.Float32);
        JsonElement json = weights.Json;
        SampledBatch batch = StepGolden.Batch(json);
        foreach (bool alm in new[] { true, false })
        {
            var options = new TrainHypernetworkOptions
            {
                To = "x",
                From = [],
                Steps = 1,
                ClipNorm = 0,
                Alm = alm ? new AlmOptions { Temperature = json.GetProperty("tau").GetDouble(), Gamma = null } : null,
                Sft = alm ? null : new SftOptions(),
            };
            using var network = StepGolden.Network(json.GetProperty("hypernet"), weights);
            using var trainer = new HypernetworkTrainer(options, model, network, 1);
            foreach ((_, Parameter weight) in network.Parameters) weight.requires_grad = true;
            Tensor source = HypernetworkTransfer.Source(model), forms = tensor(batch.Forms.Ids, [batch.Forms.Rows, batch.Forms.Length]);
            Tensor predicted = network.Predict(source, forms);
            Assert.True(expected.Distance("pred.f64", predicted) < 5e-6);
            BatchTables tables = BatchTables.From(batch.Examples, batch.Examples.Max(e => e.Student.Count), options.Objectives);
            BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), CPU);
            using AttentionContext attention = model.CreateAttention(tables.Rows, tables.Length, lengths: tensors.Lengths);
            ObjectiveInputs inputs = trainer.Forward(HypernetworkTransfer.WithCopies(predicted, source, batch.Forms), tensor(batch.Boundary), tensors, attention, tables);
            IObjective objective = alm ? new AlmObjective(options.Alm!) : new SftObjective(options.Sft!);
            Tensor loss = objective.Compute(inputs).Mean();
            Assert.Equal(json.GetProperty(alm ? "alm_f64" : "ce_f64").GetDouble(), loss.item<float>(), 2e-6);
            loss.backward();
            int compared = 0;
            foreach ((string weight, Parameter value) in network.Parameters.Where(p => expected.Has($"g_{(alm ? "alm" : "ce")}.{p.Name}.f64")))
            {
                double off = expected.Distance($"g_{(alm ? "alm" : "ce")}.{weight}.f64", value.grad ?? zeros_like(value), relative: true);
                Assert.True(off < 1e-5, $"gradient of {weight} differs by {off}");
                compared++;
            }
            Assert.True(compared > 10);
        }
    }

    /// <summary>The network of a tokenkit case, its weights trained except where the case has no gradient.</summary>
    internal static ResidualNetwork ResidualOf(ZettCase golden, ScalarType type)
    {
        JsonElement config = golden.Json.GetProperty("config");
        FormPooling Pooling(string key) => config.GetProperty(key).GetString() == "mean" ? FormPooling.Mean : FormPooling.First;
        var shape = new ResidualNetworkShape(
            config.GetProperty("num_heads").GetInt32(), config.GetProperty("num_layers").GetInt32(), config.GetProperty("layer_norm_eps").GetDouble(),
            config.GetProperty("residual").GetBoolean() ? Pooling("residual_pooling") : FormPooling.None, config.GetProperty("residual_alpha").GetDouble(),
            Pooling("pooling"), config.GetProperty("use_attention").GetBoolean(), config.GetProperty("use_attention_mask").GetBoolean(),
            golden.Json.GetProperty("pad_token_id").GetInt32());
        var weights = new NetworkWeights([.. Weights(golden, type), (ResidualNetwork.Extra, golden.Get("extra_embeddings", type))], CPU);
        weights.Train(_ => true);
        return new ResidualNetwork(shape, weights);
    }

    private static IEnumerable<(string, Tensor)> Weights(ZettCase golden, ScalarType type)
        => golden.Names.Where(n => n.StartsWith("w.", StringComparison.Ordinal)).Select(n => (n[2..], golden.Get(n, type)));

    private static Tensor Overwritten(Tensor predicted, Tensor source, ZettCase golden, Tensor forms)
    {
        Tensor at = golden["special_indices"], from = golden["special_indices_in_reference"];
        return predicted.index_copy(0, at, source.index_select(0, from));
    }

    private void Compare(ZettCase golden, IHypernetwork network, Tensor predicted, Tensor loss, bool wide, Func<string, string> gradient)
    {
        double off = golden.Distance("pred.f64", predicted);
        Assert.True(off < (wide ? 1e-12 : 5e-6), $"predictions differ by {off}");
        Assert.Equal(golden.Json.GetProperty("probe_loss_f64").Number(), loss.to_type(ScalarType.Float64).item<double>(), wide ? 1e-12 : 1e-6);
        Gradients(golden, network, loss, wide, gradient);
    }

    private void Gradients(ZettCase golden, IHypernetwork network, Tensor loss, bool wide, Func<string, string> gradient)
    {
        loss.backward();
        int compared = 0;
        foreach ((string name, Parameter weight) in network.Parameters.Where(p => golden.Has($"{gradient(p.Name)}.f64")))
        {
            Tensor actual = weight.grad ?? zeros_like(weight);
            double off = golden.Distance($"{gradient(name)}.f64", actual, relative: !wide);
            Assert.True(off < (wide ? 1e-10 : 1e-5), $"gradient of {name} differs by {off}");
            compared++;
        }
        Assert.True(compared > 3);
        output.WriteLine($"{golden.Name}: {compared} gradients");
    }
}
