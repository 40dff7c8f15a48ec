using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>A model's folder: one file of weights or two with an index, and the configuration; every tensor is looked at.</summary>
internal sealed class SafetensorsTarget : FuzzTarget
{
    private const string Config = """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2,
         "num_key_value_heads": 1, "head_dim": 4, "vocab_size": 20, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "max_position_embeddings": 64, "tie_word_embeddings": true,
         "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}
        """;

    private static readonly string[] Words = ["F32", "F16", "BF16", "U8", "I64", "BOOL", "F8_E4M3", "llama", "gemma3", "qwen2", "linear", "a.safetensors", "../b.safetensors", "/etc/passwd", "sub/a.safetensors"];

    private readonly DiskStorage _storage = new();
    private readonly byte[] _single;
    private readonly byte[] _index;

    public SafetensorsTarget()
    {
        TorchLoader.Load();
        using CausalLm model = CausalLm.Create(ModelConfig.Parse(Config, "config.json"), 1, CPU, ScalarType.Float32);
        model.Save(Folder.Path, _storage, ScalarType.Float32);
        _single = File.ReadAllBytes(Folder[SafetensorsFolder.SingleName]);
        string[] names = [.. model.Parameters.Select(p => p.Name)];
        var map = new JsonObject();
        foreach (string name in names)
            map[name] = name.Contains("mlp", StringComparison.Ordinal) ? "b.safetensors" : "a.safetensors";
        foreach (string file in new[] { "a.safetensors", "b.safetensors" })
        {
            using FileStream stream = File.Create(Folder[file]);
            SafetensorsWriter.Write(stream, model.Parameters.Where(p => map[p.Name]!.GetValue<string>() == file).Select(p => new TensorSource(p.Name, ScalarType.Float32, p.Tensor)));
        }
        _index = Encoding.UTF8.GetBytes(new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 4096 }, ["weight_map"] = map }.ToJsonString());
    }

    public override string Name => "safetensors";

    // 106: two billion layers. 137: an index whose names are not UTF-8.
    public override IReadOnlyList<int> KeptSeeds => [106, 137];

    public override int FastTries => 1000;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var bytes = new ShardMutator([], random);
        byte[] config = Encoding.UTF8.GetBytes(Config);
        int kind = random.Next(8);
        if (kind == 0)
            config = JsonMutator.Plain(config, random, Words);
        File.Delete(Folder[SafetensorsFolder.SingleName]);
        File.Delete(Folder[SafetensorsFolder.IndexName]);
        if (kind is 1 or 2)
            File.WriteAllBytes(Folder[SafetensorsFolder.IndexName], random.Next(4) == 0 ? bytes.Bytes(_index) : JsonMutator.Plain(_index, random, Words));
        else
            File.WriteAllBytes(Folder[SafetensorsFolder.SingleName], kind == 0 ? _single : kind == 3 ? bytes.Bytes(_single) : Header(random, bytes));
        File.WriteAllBytes(Folder[ModelConfig.FileName], config);

        using (SafetensorsFolder weights = SafetensorsFolder.Open(Folder.Path, _storage))
        {
            foreach (TensorEntry entry in weights.Entries)
            {
                using Tensor view = weights.View(entry.Name);
                if (view.numel() > 0)
                {
                    using Tensor sum = view.to_type(ScalarType.Float32).sum();
                }
            }
        }
        using CausalLm model = CausalLm.Load(Folder.Path, _storage, CPU, ScalarType.Float32);
    }

    // The length in front is right; what the header says is not.
    private byte[] Header(Random random, ShardMutator bytes)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(_single);
        byte[] json = _single[8..(8 + length)], data = _single[(8 + length)..];
        json = random.Next(3) == 0 ? bytes.Bytes(json) : JsonMutator.Plain(json, random, Words);
        byte[] file = [.. new byte[8], .. json, .. random.Next(8) == 0 ? bytes.Bytes(data) : data];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        return file;
    }
}
