using System.Buffers.Binary;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Formats;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Student;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>A checkpoint that training goes on from: manifest, state, weights and the optimizer's state, their hashes right.</summary>
internal sealed class CheckpointTarget : FuzzTarget
{
    private const int Steps = 2;
    private const string Manifest = CheckpointManifest.FileName;
    private static readonly string[] Words = ["state.json", "weights.safetensors", "optimizer.safetensors", "../weights.safetensors", "F16", "I64", "NaN"];

    private readonly TinyRun _run = new();
    private readonly RunDefinition _definition;
    private readonly UpdateStudentOptions _options = new() { To = "student", Steps = Steps, Objectives = new() { Sft = new() } };
    private readonly string _folder;
    private readonly Dictionary<string, byte[]> _whole;

    public CheckpointTarget()
    {
        _definition = _run.Definition();
        _run.WriteShardsAsync(_definition, "shards", TinyRun.Documents(4), count: 1).GetAwaiter().GetResult();
        _run.TrainAsync(_definition, "shards", _options).GetAwaiter().GetResult();
        _folder = Directory.GetDirectories(_run["checkpoints/student"]).Single();
        _whole = Directory.GetFiles(_folder).ToDictionary(p => Path.GetFileName(p)!, File.ReadAllBytes);
    }

    // Positions before the first example.
    public override IReadOnlyList<int> KeptSeeds => [18571, 19637, 33859];

    public override string Name => "checkpoint";

    public override int FastTries => 150;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var bytes = new ShardMutator([], random);
        Directory.Delete(_run["checkpoints"], recursive: true);
        Directory.CreateDirectory(_folder);
        string changed = _whole.Keys.Order(StringComparer.Ordinal).ElementAt(random.Next(_whole.Count));
        foreach ((string name, byte[] content) in _whole.Where(f => f.Key != Manifest))
        {
            File.WriteAllBytes(Path.Combine(_folder, name), name != changed ? content : name.EndsWith(".json", StringComparison.Ordinal)
                ? random.Next(4) == 0 ? bytes.Bytes(content) : JsonMutator.Plain(content, random, Words)
                : Header(content, random, bytes));
        }
        if (changed == Manifest)
            File.WriteAllBytes(Path.Combine(_folder, Manifest), JsonMutator.Mutate(_whole[Manifest], random, bytes));
        else
            CheckpointManifest.Create(Steps, [.. _whole.Keys.Where(n => n != Manifest).Select(n => FileHash.Of(_run.Storage, Path.Combine(_folder, n)))]).Write(_run.Storage, _folder);
        _run.Said.Clear();
        _run.Scalars.Clear();
        _run.TrainAsync(_definition, "shards", _options).GetAwaiter().GetResult();
    }

    public override void Dispose()
    {
        _run.Dispose();
        base.Dispose();
    }

    private static byte[] Header(byte[] file, Random random, ShardMutator bytes)
    {
        if (random.Next(4) == 0)
            return bytes.Bytes(file);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        byte[] json = JsonMutator.Plain(file[8..(8 + length)], random, Words);
        byte[] made = [.. new byte[8], .. json, .. file[(8 + length)..]];
        BinaryPrimitives.WriteInt64LittleEndian(made, json.Length);
        return made;
    }
}
