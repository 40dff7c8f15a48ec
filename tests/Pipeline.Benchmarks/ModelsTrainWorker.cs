using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Student;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Our side of <c>models train</c>, in a process of its own so that its memory is its own. One line in, one line out, as models_torch.py:
/// <c>forward</c> or <c>step</c> gives seconds, processor seconds and the loss; <c>gemm</c> operations per second; <c>peak</c> the bytes
/// above what was there before the model, on a card all that the process holds of it.
/// </summary>
internal sealed class ModelsTrainWorker : IDisposable
{
    private readonly TorchDevice _device;
    private readonly CausalLm _model;
    private readonly MasterWeights _masters;
    private readonly AdamW _optimizer;
    private readonly Tensor _inputs, _targets;
    private readonly long _before;

    private ModelsTrainWorker(string folder, DeviceChoice device)
    {
        _device = TorchDevice.Create(device, ModelBenchmark.Threads);
        IStorage storage = new DiskStorage();
        matmul(randn(64, 64), randn(64, 64)).Dispose();
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");
        _before = ModelsWork.Status("VmRSS:");
        using (SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, ModelsTrainBenchmark.IdsName), storage))
        {
            Tensor ids = file.View("ids");
            long length = ids.size(1) - 1;
            _inputs = ids.narrow(1, 0, length).clone().to(_device.Device);
            _targets = ids.narrow(1, 1, length).reshape(-1).clone().to(_device.Device);
        }

        _model = CausalLm.Load(folder, storage, _device.Device, _device.ComputeType);
        _model.SetTrainable(TrainablePart.Full);
        _masters = new MasterWeights(_model.Parameters);
        _optimizer = new AdamW([new ParameterGroup(_masters.Weights, 1e-3, 0.01)]);
    }

    public static int Serve(string folder, DeviceChoice device)
    {
        using var scope = NewDisposeScope();
        using ModelsTrainWorker worker = new(folder, device);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{worker._model.Parameters.Sum(parameter => parameter.Tensor.numel())}"));
        while (Console.ReadLine() is { } command)
        {
            double loss = 0;
            (double wall, double processor) = command switch
            {
                "forward" => ModelsWork.Once(() => loss = worker.Forward()),
                "step" => ModelsWork.Once(() => loss = worker.Step()),
                "gemm" => (ModelsWork.MatrixSpeed(worker._device), 0),
                _ => (device == DeviceChoice.Cuda ? ModelsWork.HeldOfCard() : ModelsWork.Status("VmHWM:") - worker._before, 0),
            };
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{wall:R} {processor:R} {loss:R}"));
        }

        return 0;
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _masters.Dispose();
        _model.Dispose();
        _device.Dispose();
    }

    private double Forward()
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return Loss().item<float>();
    }

    private double Step()
    {
        using var scope = NewDisposeScope();
        _optimizer.ZeroGradients();
        Tensor loss = Loss();
        loss.backward();
        _masters.TakeGradients();
        _optimizer.Step(1);
        _masters.HandBack();
        return loss.item<float>();
    }

    private Tensor Loss()
    {
        using AttentionContext attention = _model.CreateAttention((int)_inputs.size(0), (int)_inputs.size(1));
        Tensor hidden = _model.Hidden(_inputs, attention).reshape(-1, _model.Config.HiddenSize);
        return -VocabularyHead.Score(hidden, _model.HeadWeight, _targets, new HeadOptions()).LogLikelihood.mean();
    }
}
