package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	stub "k8s.io/kubernetes/pkg/kubelet/cm/devicemanager/plugin/v1beta1"
)

// inventory is what the plugin offers and what a container gets with a device, as a file tells it. Whatever is changed
// in the file but the resource's name counts from the next look on.
type inventory struct {
	Resource string             `json:"resource"`
	Healthy  []string           `json:"healthy"`
	Sick     []string           `json:"sick"`
	Mounts   []*pluginapi.Mount `json:"mounts"`
}

const look = 200 * time.Millisecond

// newDevicePlugin stands for the device plugin of a vendor: the kubelet counts, hands out and takes back what it names.
func newDevicePlugin() *cobra.Command {
	var folder, file string
	command := &cobra.Command{Use: "device-plugin", RunE: func(*cobra.Command, []string) error {
		return serve(folder, file)
	}}
	command.Flags().StringVar(&folder, "folder", pluginapi.DevicePluginPath, "where the kubelet listens")
	command.Flags().StringVar(&file, "inventory", "", "JSON: resource, healthy, sick, mounts")
	return command
}

func serve(folder, file string) error {
	text, found, err := read(file)
	if err != nil {
		return err
	}
	plugin := stub.NewDevicePluginStub(found.devices(), folder+"/tests.sock", found.Resource, false, false)
	plugin.SetAllocFunc(func(asked *pluginapi.AllocateRequest, _ map[string]*pluginapi.Device) (*pluginapi.AllocateResponse, error) {
		_, now, err := read(file)
		if err != nil {
			return nil, err
		}
		return now.allocate(asked), nil
	})
	if err := plugin.Start(); err != nil {
		return err
	}
	if err := plugin.Register(folder+"/kubelet.sock", found.Resource, ""); err != nil {
		return err
	}
	for {
		time.Sleep(look)
		changed, now, err := read(file)
		if err != nil || bytes.Equal(changed, text) {
			continue
		}
		text = changed
		plugin.Update(now.devices())
	}
}

func read(file string) ([]byte, *inventory, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	found := &inventory{}
	return text, found, json.Unmarshal(text, found)
}

func (i *inventory) devices() []*pluginapi.Device {
	var all []*pluginapi.Device
	for _, id := range i.Healthy {
		all = append(all, &pluginapi.Device{ID: id, Health: pluginapi.Healthy})
	}
	for _, id := range i.Sick {
		all = append(all, &pluginapi.Device{ID: id, Health: pluginapi.Unhealthy})
	}
	return all
}

// allocate answers as NVIDIA's plugin does: the identities in the environment, and what the runtime would add.
func (i *inventory) allocate(asked *pluginapi.AllocateRequest) *pluginapi.AllocateResponse {
	answer := &pluginapi.AllocateResponse{}
	for _, container := range asked.ContainerRequests {
		answer.ContainerResponses = append(answer.ContainerResponses, &pluginapi.ContainerAllocateResponse{
			Envs:   map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")},
			Mounts: i.Mounts,
		})
	}
	return answer
}
