using System.Collections.ObjectModel;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.Models;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// Trains a hypernetwork from shards. Every step draws a tokenizer, and no teacher is in memory. After a stop it continues like
/// <c>update-student</c>, with the same bits.
/// </summary>
internal sealed class TrainHypernetworkSink : ISink<StudentBatch>, IResumable, IPlanned
{
    private readonly TrainHypernetworkOptions _options;
    private readonly string _name;
    private readonly RunSite _run;
    private readonly IReadOnlyList<string> _shards;
    private readonly TorchDevice _device;
    private readonly IStageMeter _meter;
    private readonly CancellationToken _stopRequested;
    private readonly TrainingCheckpoints _checkpoints;
    private readonly TrainingState? _resumed;

    /// <summary>Creates the stage and reads the newest checkpoint.</summary>
    /// <param name="options">The definition's keys.</param>
    /// <param name="name">The stage's name in its flow.</param>
    /// <param name="run">The run. Its student names the frozen model.</param>
    /// <param name="shards">The full paths of <see cref="TrainHypernetworkOptions.From"/>.</param>
    /// <param name="device">The device that computes.</param>
    /// <param name="meter">Receives progress and metrics.</param>
    /// <param name="stopRequested">Asks the training to stop after the current step.</param>
    /// <exception cref="DefinitionException">The options contradict each other, or the model has an edit.</exception>
    public TrainHypernetworkSink(
        TrainHypernetworkOptions options, string name, RunSite run, IReadOnlyList<string> shards, TorchDevice device, IStageMeter meter, CancellationToken stopRequested)
    {
        (_options, _name, _run, _shards, _device, _meter, _stopRequested) = (options, name, run, shards, device, meter, stopRequested);
        OptionRules.Require(options, $"stage '{name}'");
        if (run.Definition.Student?.Edit is not null)
            throw new DefinitionException($"stage '{name}': the student has an 'edit', but a hypernetwork is trained for a model without one; leave it out");
        _checkpoints = new TrainingCheckpoints(options.Loop, run);
        _resumed = _checkpoints.LatestState();
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<TrainHypernetworkOptions, StudentBatch, TrainHypernetworkSink>(
        "train-hypernetwork",
        "Trains a hypernetwork from shards. It predicts embeddings for any tokenizer, for a model that stays as it is.",
        static (o, c) => new TrainHypernetworkSink(o, c.StageName, RunSite.Of(c), [.. o.From.Select(f => ShardPath.Of(f, c))], c.Service<TorchDevice>(), c.Meter, c.StopRequested))
        .Writing<TrainHypernetworkOptions>(static o => [new StageOutput("to", o.To, OutputKind.Hypernetwork), TrainingCheckpoints.Output(o.To)])
        .Ruled<TrainHypernetworkOptions>(TrainHypernetworkRules.Of) with
    { Needs = StageNeeds.Student };

    public StagePlan Plan(long? records) => new(null, [new PlanLine("steps", _options.Steps, PlanUnit.Count, "one tokenizer and one batch each")]);

    public StreamPosition ResumeAt => _resumed?.Position ?? default;

    public async Task RunAsync(IAsyncEnumerable<StudentBatch> input, CancellationToken cancellationToken)
    {
        foreach (DamagedException skipped in _checkpoints.Skipped) _meter.Say(skipped.Message);
        string folder = _run.Input(_run.Definition.Student?.Model
            ?? throw new DefinitionException($"stage '{_name}': the student has no \"model\"; a hypernetwork is trained for a model"));
        if (SteeringEdit.IsIn(folder, _run.Storage))
            throw new InputException($"{folder} has an edit of its activations ({SteeringEdit.FileName}); but a hypernetwork is trained for a model without one: name the plain model's folder");
        TextTokenizer source = _run.Tokenizers.Get(folder);
        List<string> pool = TextPool.Of(
            [.. _shards.Select(path => ShardSet.Open(_run.Storage, path, ReadOnlyDictionary<string, string>.Empty))], (long)_options.Sampling.PoolMebibytes << 20, cancellationToken);
        TextTokenizer[] known = [.. _options.Sampling.Known.Select(path => _run.Tokenizers.Get(path == TextTokenizer.BytesPath ? path : _run.Input(path)))];
        long seed = _run.Definition.Seed;
        Session session = await _device.RunAsync(() => Session.Begin(_options, folder, _run, _device, _checkpoints, _resumed), cancellationToken).ConfigureAwait(false);
        foreach (string remark in session.Model.Remarks) _meter.Say(remark);
        HypernetworkLoop? loop = null;
        try
        {
            await using IAsyncEnumerator<StudentBatch> batches = input.GetAsyncEnumerator(cancellationToken);
            var tokenizers = new TokenizerSampler(_options.Sampling, seed, source, known, pool);
            var sampler = new BatchSampler(_options, seed, source, session.Rows, tokenizers, session.Network.Length, session.Network.Pad);
            loop = new HypernetworkLoop(_options, _name, _meter, _device, session.Trainer, sampler, batches, _checkpoints);
            TrainingState state = _resumed ?? new TrainingState(0, default, 0, _device.Threads, []);
            if (_resumed is not null) _meter.Say($"continuing from step {state.Step} of {_options.Steps}");
            state = await new TrainingLoop(_options.Loop, _name, loop, () => _stopRequested.IsCancellationRequested).RunAsync(state, isSaved: _resumed is not null, cancellationToken).ConfigureAwait(false);
            await _device.RunAsync(() => session.Write(_run.Output(_options.To), source, folder, state.Step), cancellationToken).ConfigureAwait(false);
            _meter.Say($"wrote {_options.To} after {state.Step} steps");
        }
        finally
        {
            if (loop is not null) await loop.EndAsync().ConfigureAwait(false);
            await _device.RunAsync(session.Dispose, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>What lives on the device during training.</summary>
    private sealed record Session(CausalLm Model, IHypernetwork Network, HypernetworkTrainer Trainer, RunSite Run) : IDisposable
    {
        public int Rows => Model.Config.VocabularySize;

        public static Session Begin(
            TrainHypernetworkOptions options, string folder, RunSite run, TorchDevice device, TrainingCheckpoints checkpoints, TrainingState? resumed)
        {
            CausalLm model = CausalLm.Load(folder, run.Storage, device.Device, device.ComputeType);
            using var scope = NewDisposeScope();
            IHypernetwork network = HypernetworkFactory.Create(options.Network, HypernetworkTransfer.Source(model), run.Definition.Seed);
            var trainer = new HypernetworkTrainer(options, model, network, run.Definition.Seed);
            if (resumed is not null) checkpoints.Restore(trainer, resumed);
            return new Session(model, network, trainer, run);
        }

        public void Write(string to, TextTokenizer source, string folder, long steps)
        {
            var manifest = new HypernetworkManifest(
                HypernetworkManifest.FormatName, HypernetworkManifest.CurrentVersion, (Network as ResidualNetwork)?.Shape, (Network as ZettNetwork)?.Shape,
                source.Fingerprint, Rows, Model.Config.TieWordEmbeddings ? 1 : 2, Model.Config.HiddenSize, Path.GetFileName(folder), steps);
            HypernetworkFolder.Write(Run.Storage, to, Network, manifest);
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Network.Dispose();
            Model.Dispose();
        }
    }
}
