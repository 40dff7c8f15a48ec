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
/// <param name="Cores">Of the processor.</param>
/// <param name="MemoryBytes">Of the machine, as far as this process may take it.</param>
/// <param name="CardBytes">Memory of a GPU that torch can use; null: there is none.</param>
internal sealed record RecipeMachine(int Cores, long MemoryBytes, long? CardBytes)
{
    /// <summary>What a run may plan with: estimates are not measurements, and others use the machine too.</summary>
    private const double Share = 0.7;

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

    // Torch's own figure is not in its .NET binding; the driver's tool is wherever the driver is.
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
