using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Runs;
using Pipeline.Stages.Torch;
using TorchSharp;

namespace Pipeline.Host.Recipes;

/// <summary>What there is to compute with.</summary>
/// <param name="Cores">The number of processor cores.</param>
/// <param name="MemoryBytes">The memory that this process may use.</param>
/// <param name="CardBytes">The memory of a GPU that torch can use. Null if there is none.</param>
internal sealed record RecipeMachine(int Cores, long MemoryBytes, long? CardBytes)
{
    /// <summary>The share of the memory that a run may plan with. The rest is left, because estimates are not exact, and other programs need memory too.</summary>
    private const double Share = 0.7;

    /// <summary>The memory that a run may plan with, in bytes: of the GPU if there is one, or else of the machine.</summary>
    public double Budget => Share * (CardBytes ?? MemoryBytes);

    public string Words => CardBytes is { } card
        ? $"a GPU with {Show(card)}, {Cores} cores, {Show(MemoryBytes)} of memory"
        : string.Create(CultureInfo.InvariantCulture, $"{Cores} cores, {Show(MemoryBytes)} of memory, no GPU that this alm can use");

    public static RecipeMachine Here()
    {
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Auto, 0);
        return new RecipeMachine(
            Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, device.Device.type == DeviceType.CUDA ? CardMemory() : null);
    }

    public static string Show(double bytes) => PlanFigure.Show(bytes, PlanUnit.Bytes);

    // TorchSharp does not give the memory of a GPU. This tool is installed along with the driver.
    private static long? CardMemory()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=memory.total", "--format=csv,noheader,nounits", "--id=0"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string answer = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return long.TryParse(answer.Trim(), CultureInfo.InvariantCulture, out long mebibytes) ? mebibytes << 20 : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
