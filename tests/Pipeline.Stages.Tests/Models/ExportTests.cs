using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class ExportTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-export-").FullName;
    private readonly DiskStorage _storage = new();

    private static Tensor Probe => arange(10, dtype: ScalarType.Int64).view(2, 5);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void An_exported_model_computes_the_same_and_its_config_means_the_same(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create(name);
        model.Save(_folder, _storage, ScalarType.Float32);
        using CausalLm again = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(0, GoldenModels.MaxDifference(LogitsFile.Compute(again, Probe, null, null).Logits, LogitsFile.Compute(model, Probe, null, null).Logits));
        SameMeaning(model.Config, again.Config);
    }

    [Fact]
    public void Every_golden_model_exported_again_has_the_same_tensors_logits_and_meaning()
    {
        if (GoldenModels.Root is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }

        foreach (string folder in GoldenModels.Folders)
        {
            output.WriteLine(Path.GetFileName(folder));
            using DisposeScope scope = NewDisposeScope();
            using IDisposable quiet = no_grad();
            string target = Path.Combine(_folder, Path.GetFileName(folder));
            using CausalLm model = CausalLm.Load(folder, _storage, CPU, ScalarType.Float32);
            ScalarType type = model.Config.StorageType ?? ScalarType.Float32;
            model.Save(target, _storage, new ExportOptions(type, SourceFolder: folder));
            using CausalLm again = CausalLm.Load(target, _storage, CPU, ScalarType.Float32);
            using SafetensorsFile reference = GoldenModels.Reference(folder);
            Tensor ids = reference.View("A.input_ids");
            Assert.Equal(0, GoldenModels.MaxDifference(LogitsFile.Compute(again, ids, null, null).Logits, LogitsFile.Compute(model, ids, null, null).Logits));
            SameMeaning(model.Config, again.Config);
            using SafetensorsFolder before = SafetensorsFolder.Open(folder, _storage), after = SafetensorsFolder.Open(target, _storage);
            IEnumerable<string> Entries(SafetensorsFolder files) => files.Entries.Where(entry => !entry.Name.StartsWith("vision", StringComparison.Ordinal) && !entry.Name.StartsWith("multi", StringComparison.Ordinal))
                .Select(entry => entry.ToString().Replace("language_model.", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
            Assert.Equal(Entries(before), Entries(after));
            SameKeys(folder, target, model.Config);
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, "bfloat16", 4e-2)]
    [InlineData(ScalarType.Float16, "float16", 4e-3)]
    public void The_stored_type_is_the_one_asked_for(ScalarType type, string name, double tolerance)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        using CausalLm model = TinyModels.Create("qwen3");
        model.Save(_folder, _storage, type, maxShardBytes: 1000);
        Assert.Equal(name, Config()["torch_dtype"]!.GetValue<string>());
        using SafetensorsFolder files = SafetensorsFolder.Open(_folder, _storage);
        Assert.All(files.Entries, entry => Assert.Equal(type, entry.Type));
        Assert.True(Directory.GetFiles(_folder, "model-*-of-*.safetensors").Length > 3);
        using CausalLm again = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        double off = GoldenModels.MaxDifference(again.HeadWeight, model.HeadWeight);
        Assert.InRange(off, 1e-9, tolerance);
    }

    [Fact]
    public void A_new_vocabulary_untied_is_written_and_read_as_such()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("gemma2");
        model.SetTrainable(TrainablePart.Embeddings);
        model.ReplaceEmbeddings(ones(50, 24), ones(50, 24) * 2);
        Assert.Equal(["lm_head.weight", "model.embed_tokens.weight"], model.Parameters.Where(entry => entry.Tensor.requires_grad).Select(entry => entry.Name).Order(StringComparer.Ordinal));
        model.Save(_folder, _storage, new ExportOptions(ScalarType.Float32, Marks: new TokenizerMarks(48, [47, 49], null)));
        JsonObject config = Config();
        Assert.Equal(50, config["vocab_size"]!.GetValue<int>());
        Assert.False(config["tie_word_embeddings"]!.GetValue<bool>());
        Assert.Equal("[47,49]", config["eos_token_id"]!.ToJsonString());
        Assert.Null(config["pad_token_id"]);
        Assert.Equal(48, JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "generation_config.json")))!["bos_token_id"]!.GetValue<int>());
        using CausalLm again = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(2, again.HeadWeight.max().item<float>());
        Assert.Equal(1, again.EmbeddingWeight.max().item<float>());
        again.ReplaceEmbeddings(ones(30, 24), null);
        again.Save(_folder, _storage, ScalarType.Float32);
        using CausalLm tied = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(30, tied.HeadWeight.size(0));
        Assert.True(tied.Config.TieWordEmbeddings);
        Assert.DoesNotContain(tied.Parameters, entry => entry.Name == "lm_head.weight");
    }

    [Fact]
    public void Generation_config_and_chat_template_are_carried_over()
    {
        using DisposeScope scope = NewDisposeScope();
        string source = Directory.CreateDirectory(Path.Combine(_folder, "source")).FullName, target = Path.Combine(_folder, "target");
        File.WriteAllText(Path.Combine(source, "generation_config.json"), """{"temperature": 0.6, "eos_token_id": [1, 2]}""");
        File.WriteAllText(Path.Combine(source, "chat_template.jinja"), "{{ messages }}");
        using CausalLm model = TinyModels.Create("llama");
        model.Save(target, _storage, new ExportOptions(ScalarType.Float32, SourceFolder: source));
        Assert.Equal("{{ messages }}", File.ReadAllText(Path.Combine(target, "chat_template.jinja")));
        JsonNode generation = JsonNode.Parse(File.ReadAllText(Path.Combine(target, "generation_config.json")))!;
        Assert.Equal(0.6, generation["temperature"]!.GetValue<double>());
        Assert.Equal("[1,2]", generation["eos_token_id"]!.ToJsonString());
    }

    [Fact]
    public void Marks_that_stand_beside_a_text_config_are_kept_when_the_text_model_is_exported_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        string json = TinyConfigs.All["gemma3"].Replace("{\"model_type\": \"gemma3\",", "{\"model_type\": \"gemma3\", \"eos_token_id\": [1, 36], \"bos_token_id\": 2,", StringComparison.Ordinal);
        using CausalLm model = CausalLm.Create(ModelConfig.Parse(json, "test"), 1, CPU, ScalarType.Float32);
        model.Save(_folder, _storage, ScalarType.Float32);
        Assert.Equal("gemma3_text", Config()["model_type"]!.GetValue<string>());
        Assert.Equal("[1,36]", Config()["eos_token_id"]!.ToJsonString());
        Assert.Equal("[1,36]", JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "generation_config.json")))!["eos_token_id"]!.ToJsonString());
    }

    [Fact]
    public void Adapters_start_as_nothing_train_alone_and_are_merged_on_export()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        Tensor before = Logits(model);
        model.AddLora(new LoraOptions { Rank = 3, Alpha = 6, Targets = ["q_proj", "down_proj"] });
        model.SetTrainable(TrainablePart.Lora);
        Assert.Equal(0, GoldenModels.MaxDifference(Logits(model), before));
        Assert.Equal(2 * 2 * model.Config.Layers, model.Parameters.Count(entry => entry.Tensor.requires_grad));
        using (IDisposable quiet = no_grad())
        {
            foreach ((string name, var tensor) in model.Parameters.Where(entry => entry.Name.Contains("lora_B", StringComparison.Ordinal)))
                tensor.add_(0.1);
        }

        Tensor adapted = Logits(model);
        Assert.True(GoldenModels.MaxDifference(adapted, before) > 1e-2);
        model.Save(_folder, _storage, ScalarType.Float32);
        using CausalLm merged = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.True(GoldenModels.MaxDifference(Logits(merged), adapted) < 1e-4);
    }

    [Fact]
    public void What_a_family_stores_fused_is_written_fused_and_its_name_stands_for_its_parts()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("phi3");
        model.AddLora(new LoraOptions { Rank = 3, Alpha = 6, Targets = ["qkv_proj", "up_proj"] });
        model.SetTrainable(TrainablePart.Lora);
        Assert.Equal(2 * 4 * model.Config.Layers, model.Parameters.Count(entry => entry.Tensor.requires_grad));
        model.SetTrainable(TrainablePart.Full, ["*.qkv_proj.weight"]);
        Assert.Equal(["q_proj", "k_proj", "v_proj"], model.Parameters.Where(entry => !entry.Tensor.requires_grad && entry.Name.StartsWith("model.layers.0.self_attn", StringComparison.Ordinal) && !entry.Name.Contains("lora", StringComparison.Ordinal)).Select(entry => entry.Name.Split('.')[^2]));
        using (IDisposable quiet = no_grad())
        {
            foreach ((string name, var tensor) in model.Parameters.Where(entry => entry.Name.Contains("lora_B", StringComparison.Ordinal)))
                tensor.add_(0.1);
        }

        model.Save(_folder, _storage, ScalarType.Float32);
        using SafetensorsFolder files = SafetensorsFolder.Open(_folder, _storage);
        Assert.Equal(["down_proj", "gate_up_proj", "input_layernorm", "o_proj", "post_attention_layernorm", "qkv_proj"], files.Entries.Where(entry => entry.Name.Contains(".0.", StringComparison.Ordinal)).Select(entry => entry.Name.Split('.')[^2]).Order(StringComparer.Ordinal));
        Assert.Equal([4 * 6 + 2 * 2 * 6, 24], files.Entry("model.layers.0.self_attn.qkv_proj.weight").Shape);
        using CausalLm merged = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.True(GoldenModels.MaxDifference(Logits(merged), Logits(model)) < 1e-4);
    }

    [Fact]
    public void An_adapter_target_that_no_layer_has_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        Assert.Contains("'query'", Assert.Throws<DefinitionException>(() => model.AddLora(new LoraOptions { Targets = ["query"] })).Message);
    }

    [Fact]
    public void Frozen_patterns_and_parts_choose_what_is_trained()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        string[] Trained() => [.. model.Parameters.Where(entry => entry.Tensor.requires_grad).Select(entry => entry.Name)];
        Assert.Empty(Trained());
        model.SetTrainable(TrainablePart.Full);
        Assert.Equal(model.Parameters.Count, Trained().Length);
        model.SetTrainable(TrainablePart.Full, ["model.layers.*", "*norm*"]);
        Assert.Equal(["model.embed_tokens.weight", "lm_head.weight"], Trained());
        model.SetTrainable(TrainablePart.Embeddings, ["lm_head.weight"]);
        Assert.Equal(["model.embed_tokens.weight"], Trained());
        Assert.Contains("'layers.0'", Assert.Throws<DefinitionException>(() => model.SetTrainable(TrainablePart.Full, ["layers.0"])).Message);
        Assert.Throws<DefinitionException>(() => model.SetTrainable(TrainablePart.Lora));
        Assert.Throws<DefinitionException>(() => model.SetTrainable(TrainablePart.Full, ["*"]));
    }

    [Fact]
    public void Training_a_loaded_model_does_not_write_into_its_file()
    {
        using DisposeScope scope = NewDisposeScope();
        using (CausalLm model = TinyModels.Create("llama"))
            model.Save(_folder, _storage, ScalarType.Float32);
        byte[] bytes = File.ReadAllBytes(Path.Combine(_folder, "model.safetensors"));
        using CausalLm loaded = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        loaded.SetTrainable(TrainablePart.Full);
        using (IDisposable quiet = no_grad())
        {
            foreach ((_, var tensor) in loaded.Parameters)
                tensor.add_(1);
        }

        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_folder, "model.safetensors")));
    }

    [Fact]
    public void All_missing_wrong_and_surplus_weights_are_named_at_once()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        model.Save(_folder, _storage, ScalarType.Float32);
        IEnumerable<TensorSource> tensors = model.Parameters.Where(entry => entry.Name != "model.norm.weight")
            .Select(entry => new TensorSource(entry.Name, ScalarType.Float32, entry.Name == "lm_head.weight" ? entry.Tensor.narrow(0, 0, 5) : entry.Tensor));
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), _storage, [.. tensors, new TensorSource("extra.weight", ScalarType.Float32, ones(2))]);
        string message = Assert.Throws<InputException>(() => CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32)).Message;
        Assert.Contains("'model.norm.weight' is missing", message);
        Assert.Contains("lm_head.weight F32 [5,24]: the config asks for [37,24]", message);
        Assert.Contains("'extra.weight' is not used", message);
    }

    [Theory]
    [InlineData("language_model.", "language_model.lm_head.weight", "vision_tower.x")]
    [InlineData("model.language_model.", "lm_head.weight", "model.vision_tower.x")]
    public void The_text_part_of_a_picture_model_is_found_under_its_old_and_its_present_names(string prefix, string head, string picture)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("gemma3");
        string Stored(string name) => prefix + (prefix.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..] : name);
        File.WriteAllText(Path.Combine(_folder, "config.json"), TinyConfigs.All["gemma3"]);
        // A tied head that is stored all the same is a copy, wherever it lies.
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), _storage,
        [
            .. model.Parameters.Select(entry => new TensorSource(Stored(entry.Name), ScalarType.Float32, entry.Tensor)),
            new TensorSource(head, ScalarType.Float32, model.EmbeddingWeight), new TensorSource(picture, ScalarType.Float32, zeros(3)),
            new TensorSource(prefix + "layers.0.self_attn.rotary_emb.inv_freq", ScalarType.Float32, zeros(3)),
        ]);
        using CausalLm again = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(0, GoldenModels.MaxDifference(Logits(again), Logits(model)));
        Assert.Empty(again.Remarks);
    }

    [Fact]
    public void Dropout_in_the_config_is_refused_when_it_would_be_trained()
    {
        using DisposeScope scope = NewDisposeScope();
        ModelConfig config = ModelConfig.Parse(TinyConfigs.All["qwen3"].Replace("{\"model", "{\"attention_dropout\": 0.1, \"model", StringComparison.Ordinal), "test");
        using CausalLm model = CausalLm.Create(config, 1, CPU, ScalarType.Float32);
        Assert.Contains("attention_dropout", Assert.Throws<InputException>(() => model.SetTrainable(TrainablePart.Full)).Message);
        model.SetTrainable(TrainablePart.Nothing);
    }

    private static Tensor Logits(CausalLm model)
    {
        using IDisposable quiet = no_grad();
        return LogitsFile.Compute(model, Probe, null, null).Logits;
    }

    private static void SameMeaning(ModelConfig before, ModelConfig after)
    {
        ModelConfig Plain(ModelConfig config) => config with { Json = [], IsSliding = [], StorageType = null, Family = ModelFamilies.All[0] };
        Assert.Equal(before.IsSliding, after.IsSliding);
        // Records compare their members; the emptied lists are one and the same.
        ModelConfig a = Plain(before), b = Plain(after) with { };
        Assert.Equal(a with { Json = b.Json, IsSliding = b.IsSliding }, b);
        Assert.Equal(before.Family.TextModelType ?? before.Family.ModelType, after.Family.ModelType);
    }

    private static void SameKeys(string before, string after, ModelConfig config)
    {
        JsonObject Read(string folder) => (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        JsonObject a = Read(before), b = Read(after);
        if (config.Family.TextModelType is not null)
            return;
        foreach ((string key, JsonNode? value) in a)
            Assert.True(JsonNode.DeepEquals(value, b[key]), $"{key}: {value?.ToJsonString()} became {b[key]?.ToJsonString()}");
        Assert.Equal(a.Count, b.Count);
    }

    private JsonObject Config() => (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!;
}
