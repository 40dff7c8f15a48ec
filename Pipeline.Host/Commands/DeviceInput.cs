using System.CommandLine;
using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary>The options that say where a command computes. Every command that runs a model has them.</summary>
internal sealed class DeviceInput
{
    private const int MostThreads = 1024;

    private readonly Option<DeviceChoice> _device = new("--device") { Description = "Where models are computed; auto takes CUDA when it is available.", HelpName = "auto|cpu|cuda" };

    private readonly Option<int> _threads = new("--threads") { Description = "CPU threads for computing models; 0 takes all.", HelpName = "N" };

    private readonly Option<string?> _libtorch = new("--libtorch") { Description = "A folder with another libtorch of the same minor version. The variable ALM_LIBTORCH does the same.", HelpName = "DIR" };

    public void AddTo(Command command)
    {
        NumberRange.AddTo(_threads, 0, MostThreads);
        command.Options.Add(_device);
        command.Options.Add(_threads);
        command.Options.Add(_libtorch);
    }

    /// <summary>Makes the device and its thread. The caller disposes of it.</summary>
    public TorchDevice Create(ParseResult parsed)
        => TorchDevice.Create(parsed.GetValue(_device), parsed.GetValue(_threads), parsed.GetValue(_libtorch));
}
